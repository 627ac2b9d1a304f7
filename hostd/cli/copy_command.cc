#include "hostd/cli/copy_command.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "hostd/cli/copy_plan.h"
#include "hostd/cli/copy_progress.h"
#include "hostd/cli/failure.h"
#include "hostd/cli/guest_api.h"
#include "kestrel/base/text.h"
#include "kestrel/wire/api_reports.h"
#include "kestrel/wire/client.h"
#include "kestrel/wire/tree_packer.h"
#include "kestrel/wire/tree_unpacker.h"

namespace kestrel::hostd {

namespace {

constexpr int status_incomplete = 1;
/// Nothing moves for that long: the guest hangs, or is paused.
constexpr Duration patience = minutes(1);
constexpr std::size_t piece = 64 * 1024;

volatile std::sig_atomic_t caught_signal = 0;

/// Signals end the copy in order: what is half there is taken away again. Those that are ignored stay so, as
/// nohup(1) wants it.
void catch_signals() {
  struct sigaction action {};
  action.sa_handler = [](int number) { caught_signal = number; };
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    ::sigaction(number, nullptr, &before);
    if (before.sa_handler != SIG_IGN) ::sigaction(number, &action, nullptr);
  }
}

/// One copy, whichever way.
class Copy {
 public:
  Copy(const CopyOptions& options, std::string api)
      : options_(options), api_(std::move(api)), progress_(options.source, options.is_quiet) {}

  [[nodiscard]] int upload(const CopySide& from, const CopySide& to);
  [[nodiscard]] int download(const CopySide& from, const CopySide& to);
  [[nodiscard]] int upload_archive(const CopySide& to);
  [[nodiscard]] int download_archive(const CopySide& from);

 private:
  enum class Follow { no, yes };

  [[nodiscard]] Result<Standing> guest_standing(const std::string& path, Follow follow) const;
  [[nodiscard]] Result<wire::Response> put(const std::string& folder,
                                           const std::function<Result<bool>(std::string& piece)>& make) const;
  [[nodiscard]] Result<wire::Response> get(const std::string& path, std::string_view name,
                                           const std::function<bool(std::string_view)>& on_body) const;
  [[nodiscard]] Follow follow() const { return options_.follows_link ? Follow::yes : Follow::no; }

  void tell(std::vector<std::string> problems);
  [[nodiscard]] int end(const Result<wire::Response>& answer);
  [[nodiscard]] int give_up(const Error& error);

  const CopyOptions& options_;
  std::string api_;
  CopyProgress progress_;
  std::size_t problems_ = 0;
};

Result<Standing> local_standing(const std::string& path, bool follows) {
  struct stat status {};
  const int done = follows ? ::stat(path.c_str(), &status) : ::lstat(path.c_str(), &status);
  if (done != 0 && errno == ENOENT) return Standing::missing;
  if (done != 0) return errno_error(concat("cannot open ", printable(path)), errno);
  return S_ISDIR(status.st_mode) ? Standing::folder : Standing::other;
}

/// Where the path itself says that it is no link: `link/` and `link/.` are what it points to.
bool ends_in_folder(std::string_view path) { return path.ends_with('/') || path.ends_with("/."); }

Error no_such_file(std::string_view path) {
  return errno_error(concat("cannot copy ", printable(path)), ENOENT);
}

Error refusal_of(const wire::Response& answer) {
  return {wire::read_refusal(answer).detail, answer.status == 404 ? ENOENT : 0};
}

Result<Standing> Copy::guest_standing(const std::string& path, Follow follow) const {
  auto client = wire::ApiClient::connect_unix(api_, patience);
  if (!client) return client.error();
  const std::string_view follow_text = follow == Follow::yes || ends_in_folder(path) ? "1" : "0";
  const auto answer = client->request(
      {.method = "GET",
       .target = concat("/v1/files?stat=1&follow=", follow_text, "&path=", wire::percent_encode(path)),
       .headers = {},
       .body = {}});
  if (!answer) return answer.error();
  if (answer->status == 404) return Standing::missing;
  if (answer->status != 200) return refusal_of(*answer);
  const auto entry = nlohmann::json::parse(answer->body, nullptr, false);
  if (!entry.is_object())
    return Error{concat("cannot read what ", printable(path), " is: it is no JSON object")};
  return entry.value("type", "") == "directory" ? Standing::folder : Standing::other;
}

Result<wire::Response> Copy::put(const std::string& folder,
                                 const std::function<Result<bool>(std::string& piece)>& make) const {
  auto client = wire::ApiClient::connect_unix(api_, patience);
  if (!client) return client.error();
  const std::string_view devices = options_.takes_devices ? "&devices=1" : "";
  return client->upload({.method = "PUT",
                         .target = concat("/v1/files?path=", wire::percent_encode(folder), devices),
                         .headers = {{"Content-Type", "application/x-tar"}},
                         .body = {}},
                        make);
}

Result<wire::Response> Copy::get(const std::string& path, std::string_view name,
                                 const std::function<bool(std::string_view)>& on_body) const {
  auto client = wire::ApiClient::connect_unix(api_, patience);
  if (!client) return client.error();
  const std::string_view follow_text = options_.follows_link || ends_in_folder(path) ? "1" : "0";
  return client->stream({.method = "GET",
                         .target = concat("/v1/files?path=", wire::percent_encode(path),
                                          "&follow=", follow_text, "&name=", wire::percent_encode(name)),
                         .headers = {{"Accept", "application/x-tar"}},
                         .body = {}},
                        on_body);
}

/// What was left out; the copy goes on.
void Copy::tell(std::vector<std::string> problems) {
  for (const std::string& problem : problems) {
    progress_.hide();
    std::fputs(concat("kestrelctl: ", printable(problem), '\n').c_str(), stderr);
    ++problems_;
  }
}

int Copy::give_up(const Error& error) {
  progress_.hide();
  if (caught_signal != 0) {
    std::fputs("kestrelctl: interrupted; what was copied before stays\n", stderr);
    return 128 + caught_signal;
  }
  std::fputs(concat("kestrelctl: ", error.message, '\n').c_str(), stderr);
  return status_incomplete;
}

int Copy::end(const Result<wire::Response>& answer) {
  if (!answer) return give_up(answer.error());
  if (answer->status / 100 != 2) return give_up(refusal_of(*answer));
  progress_.hide();
  if (problems_ == 0) return 0;
  std::fputs("kestrelctl: everything else was copied\n", stderr);
  return status_incomplete;
}

int Copy::upload(const CopySide& from, const CopySide& to) {
  const auto source = local_standing(from.path, options_.follows_link || ends_in_folder(from.path));
  if (!source) return give_up(source.error());
  if (*source == Standing::missing) return give_up(no_such_file(from.path));
  const auto destination = guest_standing(to.path, Follow::yes);
  if (!destination) return give_up(destination.error());
  const auto plan = plan_copy(from.path, *source, to.path, *destination);
  if (!plan) return give_up(plan.error());

  const auto here = sys::Folder::open(".", sys::Reach::anywhere);
  if (!here) return give_up(here.error());
  wire::PackOptions packing{.top = plan->name, .owner = {}};
  if (!options_.keeps_owners) packing.owner = sys::Owner{0, 0};
  auto packer =
      wire::TreePacker::open(*here, from.path, options_.follows_link || ends_in_folder(from.path), packing);
  if (!packer) return give_up(packer.error());
  return end(put(plan->folder, [&](std::string& bytes) -> Result<bool> {
    if (caught_signal != 0) return Error{"interrupted", EINTR};
    const bool has_more = packer->produce(bytes);
    if (!has_more) bytes += wire::tar_end();
    tell(packer->take_problems());
    progress_.show(packer->packed(), packer->expected());
    return has_more;
  }));
}

int Copy::download(const CopySide& from, const CopySide& to) {
  const auto source = guest_standing(from.path, follow());
  if (!source) return give_up(source.error());
  if (*source == Standing::missing) return give_up(no_such_file(options_.source));
  const auto destination = local_standing(to.path, true);
  if (!destination) return give_up(destination.error());
  const auto plan = plan_copy(from.path, *source, to.path, *destination);
  if (!plan) return give_up(plan.error());

  auto folder = sys::Folder::open(plan->folder, sys::Reach::below_unlinked);
  if (!folder) return give_up(folder.error());
  using Ownership = wire::UnpackOptions::Ownership;
  wire::TreeUnpacker unpacker(std::move(*folder), plan->folder,
                              {.ownership = options_.keeps_owners ? Ownership::archive : Ownership::caller,
                               .takes_devices = options_.takes_devices,
                               .keeps_special_bits = options_.keeps_owners,
                               .only = plan->name == "." ? "" : plan->name});
  Result<void> unpacked;
  const auto answer = get(from.path, plan->name, [&](std::string_view bytes) {
    unpacked = unpacker.take(bytes);
    tell(unpacker.take_problems());
    progress_.show(unpacker.unpacked(), std::nullopt);
    return unpacked.has_value() && caught_signal == 0;
  });
  if (!unpacked) return give_up(unpacked.error());
  if (!answer || answer->status / 100 != 2 || caught_signal != 0) return end(answer);
  if (auto finished = unpacker.finish(); !finished) return give_up(finished.error());
  return end(answer);
}

int Copy::upload_archive(const CopySide& to) {
  Bytes sent;
  return end(put(to.path, [&](std::string& bytes) -> Result<bool> {
    bytes.resize(piece);
    const ssize_t count = ::read(STDIN_FILENO, bytes.data(), bytes.size());
    if (count < 0) return errno_error("cannot read standard input", errno);
    bytes.resize(static_cast<std::size_t>(count));
    sent.count += bytes.size();
    progress_.show(sent, std::nullopt);
    return count > 0;
  }));
}

/// The archive goes on as it is; it is read on the way to know what is missing in it.
int Copy::download_archive(const CopySide& from) {
  wire::TarReader reader;
  Result<void> written;
  const auto path_name = plan_copy(from.path, Standing::folder, ".", Standing::folder);
  const auto take = [&](std::string_view bytes) {
    std::string_view rest = bytes;
    for (auto item = reader.next(rest); item && *item; item = reader.next(rest)) {
      if (auto* problem = std::get_if<wire::TarProblem>(&**item)) tell({problem->message});
    }
    while (!bytes.empty() && caught_signal == 0) {
      const ssize_t count = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
      if (count < 0 && errno != EINTR) written = errno_error("cannot write standard output", errno);
      if (!written) return false;
      bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    }
    return caught_signal == 0;
  };
  const auto answer = get(from.path, path_name->name, take);
  if (!written) return give_up(written.error());
  return end(answer);
}

int misused(std::string_view cause) {
  return fail(ExitCode::usage, cause,
              "kestrelctl cp VM:PATH PATH, or kestrelctl cp PATH VM:PATH; - is a tar archive");
}

}  // namespace

int copy_command(const CopyOptions& options) {
  using Kind = CopySide::Kind;
  const CopySide from = parse_copy_side(options.source);
  const CopySide to = parse_copy_side(options.destination);
  if (from.kind == Kind::guest && to.kind == Kind::guest)
    return misused("cannot copy from one guest to another: copy to here first, or join two commands with -");
  if (from.kind != Kind::guest && to.kind != Kind::guest)
    return misused("cannot copy: neither side is a guest's, VM:PATH");
  const bool is_upload = to.kind == Kind::guest;
  if (to.kind == Kind::archive && ::isatty(STDOUT_FILENO) == 1)
    return misused("cannot write an archive to a terminal: send it to a file or a pipe");

  const auto api = locate_guest_api("copy", is_upload ? to.vm : from.vm);
  if (!api) return to_status(ExitCode::host_error);
  catch_signals();
  Copy copy(options, *api);
  if (from.kind == Kind::archive) return copy.upload_archive(to);
  if (to.kind == Kind::archive) return copy.download_archive(from);
  return is_upload ? copy.upload(from, to) : copy.download(from, to);
}

}  // namespace kestrel::hostd
