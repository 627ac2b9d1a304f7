#include "hostd/net/address_lease.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <ctime>
#include <filesystem>
#include <memory>

#include "hostd/address_choice.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/file.h"

namespace kestrel::hostd {

namespace {

/// Whoever holds the folder needs milliseconds.
constexpr int most_attempts = 500;
constexpr timespec between_attempts{0, 10'000'000};

/// Open and locked: nobody else leases an address meanwhile.
Result<sys::UniqueFd> lock_folder(const std::string& path) {
  std::error_code failure;
  std::filesystem::create_directories(path, failure);
  if (failure) return errno_error(concat("cannot make the folder ", path), failure.value());
  sys::UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.is_open()) return errno_error(concat("cannot open ", path), errno);
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    if (::flock(folder.get(), LOCK_EX | LOCK_NB) == 0) return folder;
    if (errno != EWOULDBLOCK) break;
    ::nanosleep(&between_attempts, nullptr);
  }
  return errno_error(concat("cannot lock ", path), errno);
}

std::optional<KnownAddress> read_record(const std::string& folder, const std::string& name) {
  const auto address = parse_ip_address(name);
  if (!address) return std::nullopt;
  const std::string path = concat(folder, '/', name);
  const sys::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct stat status {};
  if (!file.is_open() || ::fstat(file.get(), &status) != 0) return std::nullopt;
  KnownAddress known;
  known.address = *address;
  known.vm = trim(sys::read_file(path).value_or(""));
  known.given = WallTime(seconds(status.st_mtim.tv_sec) + milliseconds(status.st_mtim.tv_nsec / 1'000'000));
  known.is_held = ::flock(file.get(), LOCK_SH | LOCK_NB) != 0;
  return known;
}

std::vector<KnownAddress> read_records(const std::string& folder) {
  std::vector<KnownAddress> known;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(folder.c_str()), ::closedir);
  if (!entries) return known;
  while (const dirent* entry = ::readdir(entries.get())) {
    if (auto record = read_record(folder, entry->d_name)) known.push_back(std::move(*record));
  }
  return known;
}

}  // namespace

Result<AddressLease> lease_address(const std::string& folder, const IpNetwork& own, const std::string& vm) {
  const auto failed = [](const Error& error) { return error.in("cannot give the VM an address"); };
  const auto lock = lock_folder(folder);
  if (!lock) return failed(lock.error());
  const auto address = choose_address(own, read_records(folder), vm);
  if (!address) return failed(address.error());
  const std::string path = concat(folder, '/', format(*address));
  AddressLease lease{*address,
                     sys::UniqueFd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600))};
  const std::string text = vm + "\n";
  if (!lease.lock.is_open() || ::flock(lease.lock.get(), LOCK_EX | LOCK_NB) != 0 ||
      ::write(lease.lock.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return failed(errno_error(concat("cannot write ", path), errno));
  return lease;
}

}  // namespace kestrel::hostd
