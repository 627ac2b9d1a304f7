#include "kestrel/config/load.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "kestrel/base/text.h"
#include "kestrel/config/build.h"
#include "kestrel/config/defaults.h"
#include "kestrel/config/screening.h"
#include "kestrel/config/validate.h"
#include "kestrel/config/yaml_reader.h"

namespace kestrel::config {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

/// At most one byte more than may be loaded, which load() then refuses.
Result<std::string> read_text_file(const std::string& path) {
  const std::string what = concat("cannot read ", path);
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "re"));
  if (!file) return errno_error(what, errno);
  std::string text;
  char block[4096];
  while (text.size() <= max_text_bytes) {
    const std::size_t count = std::fread(block, 1, sizeof block, file.get());
    text.append(block, count);
    if (count < sizeof block) break;
  }
  if (std::ferror(file.get())) return errno_error(what, errno);
  return text;
}

}  // namespace

Loaded load(std::string_view text) {
  Problems problems;
  if (const auto tree = read_yaml(text, problems)) {
    auto draft = build(*tree->root, problems);
    if (draft) validate(*draft, problems);
    if (draft && problems.empty()) return with_defaults(*std::move(draft));
  }
  put_in_order(problems);
  return problems;
}

Loaded load_file(const std::string& path) {
  const auto text = read_text_file(path);
  if (!text) return Problems{{0, 0, text.error().message}};
  return load(*text);
}

}  // namespace kestrel::config
