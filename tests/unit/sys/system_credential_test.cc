// Credentials for the machine, where systemd looks for them.
#include "kestrel/sys/system_credential.h"

#include <catch2/catch.hpp>

#include "kestrel/base/base64.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/smbios.h"
#include "temporary_folder.h"

using namespace kestrel;
using namespace kestrel::sys;
using kestrel::test::TemporaryFolder;

namespace {

/// A structure of the SMBIOS tables: the formatted area is `length` bytes with the header.
std::string structure(unsigned char type, unsigned char length, std::vector<std::string> strings) {
  std::string bytes{static_cast<char>(type), static_cast<char>(length), '\x01', '\x00'};
  bytes.resize(length, '\x02');
  for (const std::string& text : strings) bytes += text + '\0';
  if (strings.empty()) bytes += '\0';
  return bytes + '\0';
}

std::vector<std::string> strings_in(std::string_view table) {
  const auto found = oem_strings(table);
  return {found.begin(), found.end()};
}

}  // namespace

TEST_CASE("base64 is decoded, whatever its padding", "[base]") {
  CHECK(decode_base64("") == "");
  CHECK(decode_base64("Zg==") == "f");
  CHECK(decode_base64("Zm8=") == "fo");
  CHECK(decode_base64("Zm9v") == "foo");
  CHECK(decode_base64("Zm9v\nYmFy") == "foobar");
  CHECK(decode_base64("/+8=") == "\xff\xef");
}

TEST_CASE("what is no base64 is refused", "[base]") {
  for (const char* text : {"Z", "Zg", "Zg=", "Zg===", "Z===", "Zm9v=", "Zg==Zg==", "Zm-v", "===="}) {
    INFO(text);
    CHECK_FALSE(decode_base64(text));
  }
}

TEST_CASE("OEM strings are found among other structures", "[sys]") {
  const std::string table = structure(0, 24, {"SeaBIOS"}) + structure(32, 11, {}) +
                            structure(11, 5, {"one", "two"}) + structure(11, 5, {"three"}) +
                            structure(127, 4, {}) + structure(11, 5, {"behind the end"});
  CHECK(strings_in(table) == std::vector<std::string>{"one", "two", "three"});
}

TEST_CASE("tables that are cut off or make no sense end the reading", "[sys]") {
  const std::string table = structure(0, 24, {"SeaBIOS"}) + structure(11, 5, {"one", "two"});
  for (std::size_t size = 0; size < table.size(); ++size) CHECK(strings_in(table.substr(0, size)).empty());
  CHECK(strings_in(std::string(64, '\0')).empty());
  CHECK(strings_in(std::string(64, '\xff')).empty());
  CHECK(strings_in(structure(11, 5, {"one"}) + std::string("\x0b\x03\x00\x00", 4)) ==
        std::vector<std::string>{"one"});
}

TEST_CASE("a credential is read from OEM strings, plain or as base64", "[sys]") {
  const std::vector<std::string_view> strings = {"io.systemd.credential:a.b=x", "io.systemd.credential:a=1=2",
                                                 "io.systemd.credential.binary:c=Zm9v",
                                                 "io.systemd.credential.binary:d=!"};
  CHECK(credential_in_oem_strings(strings, "a") == "1=2");
  CHECK(credential_in_oem_strings(strings, "c") == "foo");
  CHECK_FALSE(credential_in_oem_strings(strings, "d"));
  CHECK_FALSE(credential_in_oem_strings(strings, "b"));
}

TEST_CASE("a credential is read from the kernel's command line, of which each may have one", "[sys]") {
  constexpr std::string_view text =
      "quiet systemd.set_credential=other:1 systemd.set_credential=vmm.notify_socket:vsock-stream:2:99 "
      "systemd.set_credential_binary=c:Zm9v\n";
  CHECK(credential_in_command_line(text, "vmm.notify_socket") == "vsock-stream:2:99");
  CHECK(credential_in_command_line(text, "other") == "1");
  CHECK(credential_in_command_line(text, "c") == "foo");
  CHECK_FALSE(credential_in_command_line(text, "vmm"));
}

TEST_CASE("QEMU's own channel comes first, then the firmware's, then the command line", "[sys]") {
  const TemporaryFolder folder;
  const SystemRoots roots{.proc = folder.path("proc"), .sys = folder.path("sys")};
  CHECK_FALSE(find_system_credential("n", roots));
  folder.write("proc/cmdline", "systemd.set_credential=n:line");
  CHECK(find_system_credential("n", roots) == "line");
  folder.write("sys/firmware/dmi/tables/DMI", structure(11, 5, {"io.systemd.credential:n=firmware"}));
  CHECK(find_system_credential("n", roots) == "firmware");
  folder.write("sys/firmware/qemu_fw_cfg/by_name/opt/io.systemd.credentials/n/raw", "qemu");
  CHECK(find_system_credential("n", roots) == "qemu");
}
