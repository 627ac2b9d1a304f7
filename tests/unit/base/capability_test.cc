#include "kestrel/base/capability.h"

#include <linux/capability.h>

#include <catch2/catch.hpp>

using namespace kestrel;

TEST_CASE("a capability is known by the kernel's name, in any spelling that is customary", "[base]") {
  for (const char* name : {"net_bind_service", "NET_BIND_SERVICE", "CAP_NET_BIND_SERVICE"})
    CHECK(parse_capability(name) == CAP_NET_BIND_SERVICE);
}

TEST_CASE("the numbers of capabilities are the kernel's", "[base]") {
  CHECK(parse_capability("chown") == CAP_CHOWN);
  CHECK(parse_capability("setpcap") == CAP_SETPCAP);
  CHECK(parse_capability("sys_admin") == CAP_SYS_ADMIN);
  CHECK(parse_capability("audit_control") == CAP_AUDIT_CONTROL);
  CHECK(parse_capability("checkpoint_restore") == CAP_LAST_CAP);
}

TEST_CASE("an unknown capability is none, and the nearest one can be named", "[base]") {
  CHECK_FALSE(parse_capability(""));
  CHECK_FALSE(parse_capability("cap_"));
  CHECK_FALSE(parse_capability("net_bind"));
  CHECK(nearest_capability("CAP_SYS_ADMINN") == "sys_admin");
  CHECK_FALSE(nearest_capability("everything"));
}

TEST_CASE("a set has the bit of each capability's number", "[base]") {
  CHECK(capability_set({}) == 0);
  CHECK(capability_set({"chown", "net_bind_service", "checkpoint_restore"}) ==
        (CapabilitySet{1} << 0 | CapabilitySet{1} << 10 | CapabilitySet{1} << 40));
}
