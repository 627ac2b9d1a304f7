#!/bin/bash
# AF_VSOCK, and both devices that can serve it. Nothing here opens a vsock socket on this machine: guests do.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
time_limit=120

# In a guest whose kernel is its own peer.
test_vsock_sockets_and_what_leads_over_them_work_in_a_kernel_with_its_own_loop() {
  build_image sockets --program "$BUILD/guest-tests:/bin/guest-tests" --needs vsock,loopback <<'CONFIG'
exec:
  - {name: tests, command: /bin/guest-tests, run_once: true}
CONFIG
  run_vm "$T/sockets"
  expect_contains "$(printed_by tests)" "All tests passed" "the guest's tests"
  expect_equal "$status" 0 "exit status"
}

harness_main "$@"
