#include "hostd/qemu_version.h"

#include <catch2/catch.hpp>

using namespace kestrel;
using namespace kestrel::hostd;

TEST_CASE("QEMU's version is read from what it prints", "[hostd]") {
  CHECK(parse_qemu_version("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)\nCopyright") ==
        QemuVersion{7, 2});
  CHECK(parse_qemu_version("QEMU emulator version 10.0") == QemuVersion{10, 0});
  for (const auto* text : {"", "bash 5.2", "QEMU emulator version x", "QEMU emulator version 7",
                           "QEMU emulator version 99999999999.1"})
    CHECK(!parse_qemu_version(text));
  CHECK(QemuVersion{10, 0} > oldest_qemu);
  CHECK(QemuVersion{5, 1} < oldest_qemu);
}

TEST_CASE("a refusal is explained by QEMU's age, or by what it needs", "[hostd]") {
  CHECK(explain_refusal("qemu", "QEMU emulator version 4.2.1") ==
        "qemu is QEMU 4.2, which is too old: 5.2 or newer is needed");
  CHECK(explain_refusal("qemu", "QEMU emulator version 7.2.0") ==
        "qemu is QEMU 7.2; it needs the machine microvm, the device vhost-user-vsock-device, and seccomp");
  CHECK(explain_refusal("cat", "cat (GNU coreutils) 9.1") == "cat does not tell its version as a QEMU does");
}
