#include "hostd/daemon/image_installer.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "hostd/own_folder.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/process.h"

namespace kestrel::hostd {

namespace {

/// A client of the API knows of no file by which its image got here.
constexpr std::string_view archive_path = "/dev/stdin";
constexpr std::string_view archive_name = "the image";

/// What it says is a reference, or why there is none.
Result<ImageReference> parse_output(std::string_view output) {
  const std::string_view text = trim(output);
  if (auto reference = parse_reference(text)) return reference;
  std::string message = printable(text.substr(text.rfind('\n') + 1));
  if (const std::string_view prefix = "kestrelctl: "; message.starts_with(prefix))
    message.erase(0, prefix.size());
  if (const auto at = message.find(archive_path); at != std::string::npos)
    message.replace(at, archive_path.size(), archive_name);
  if (message.empty()) return Error{"cannot install the image: kestrelctl was killed"};
  const bool is_full = message.find(std::strerror(ENOSPC)) != std::string::npos;
  return Error{message, is_full ? ENOSPC : EINVAL};
}

/// Returns where what it says can be read.
Result<sys::UniqueFd> start(const sys::UniqueFd& archive) {
  std::vector<std::string> environment = sys::own_environment();
  const std::string installed = find_installed({"kestrelctl", "../bin/kestrelctl"});
  const auto program = sys::find_program(installed.empty() ? "kestrelctl" : installed, environment);
  if (!program) return program.error();
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno_error("cannot create a pipe", errno);
  sys::UniqueFd reader(ends[0]);
  const sys::UniqueFd writer(ends[1]);
  sys::ProcessSpec process;
  process.program = *program;
  process.argv = {"kestrelctl", "images", "install", std::string(archive_path)};
  process.envp = std::move(environment);
  process.stdio = {archive.get(), writer.get(), writer.get()};
  const auto child = sys::spawn(process);
  if (!child) return child.error();
  if (const auto failure = sys::exec_outcome(*child))
    return errno_error(concat("cannot start ", *program), failure->error);
  return reader;
}

}  // namespace

void ImageInstaller::install(const sys::UniqueFd& archive, ImageInstalled done) {
  auto output = start(archive);
  if (!output) return done(output.error().in("cannot install the image"));
  const auto run = runs_.insert(runs_.end(), Run{std::move(done), {}, {}});
  run->stream = loop::Stream(loop_, std::move(*output),
                             {.on_data = [run](std::string_view bytes) { run->output += bytes; },
                              .on_end = [this, run](const Error*) { end(run); },
                              .on_drained = {}});
  run->stream.start_reading();
}

void ImageInstaller::end(std::list<Run>::iterator run) {
  // Its stream is what calls.
  const auto gone = std::make_shared<std::list<Run>>();
  gone->splice(gone->end(), runs_, run);
  loop_.post([gone] {});
  gone->front().done(parse_output(gone->front().output));
}

}  // namespace kestrel::hostd
