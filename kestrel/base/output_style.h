// How text may look where it is read.
#pragma once

namespace kestrel {

struct OutputStyle {
  /// A person looks at it: live lines make sense, control characters of strangers must not get through.
  bool is_interactive = false;
  /// Interactive, and neither NO_COLOR nor TERM=dumb says otherwise.
  bool has_colours = false;
};

}  // namespace kestrel
