#!/bin/bash
# What QEMU may do on its host, as /proc tells.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
time_limit=120

# of_qemu KEY: the line of its /proc/PID/status.
of_qemu() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$(vmm_pid)/status"; }

test_qemu_is_a_user_of_its_own_without_rights_and_works_with_files_that_only_root_may_open() {
  build_image closed --needs vsock,blk <<'CONFIG'
exec: [{name: stay, command: /bin/sleep, args: ["1000"]}]
CONFIG
  # Not in place: the image has a link to the kernel that all have.
  cp --remove-destination "$BUILD/kernel/vmlinux" closed/vmlinux
  chmod 600 closed/vmlinux
  start_vm closed --volume data:/data:8M "$T/closed"
  local user
  user=$((0x70000000 + runner))
  expect_equal "$(of_qemu Uid)" "$user	$user	$user	$user" "user"
  expect_equal "$(of_qemu Gid)" "$user	$user	$user	$user" "group"
  expect_equal "$(of_qemu Groups)" "" "further groups"
  expect_equal "$(of_qemu CapEff)" 0000000000000000 "capabilities"
  expect_equal "$(of_qemu CapBnd)" 0000000000000000 "capabilities to be had"
  expect_equal "$(of_qemu NoNewPrivs)" 1 "no new privileges"
  expect_equal "$(of_qemu Seccomp)" 2 "seccomp"
  expect_equal "$(cat "/proc/$(vmm_pid)/oom_score_adj")" 300
  expect_equal "$(awk '/core file/ { print $5, $6 }' "/proc/$(vmm_pid)/limits")" "0 0" "core dumps"
  expect_equal "$(printf '{"execute":"qmp_capabilities"}\n{"execute":"query-status"}\n' |
    socat -t 5 - "UNIX-CONNECT:$(in_vm_folder qmp.sock)" | grep -c '"status": "running"')" 1 "people's monitor"

  local qemu
  qemu=$(vmm_pid)
  kill -KILL "$runner"
  await_end
  wait_until 5 is_gone "$qemu"
}
is_gone() { ! kill -0 "$1" 2>/dev/null; }

test_the_user_of_qemu_can_be_chosen() {
  KESTREL_VMM_USER=nobody:nogroup launch_vm chosen "$BUILD/images/static-site"
  wait_until 50 is_healthy_or_over
  expect_equal "$(of_qemu Uid | cut -f 1)" "$(id -u nobody)" "user"
  stop_vm
  expect_equal "$status" 0 "exit status"
  KESTREL_VMM_USER=no-such-user run_vm "$BUILD/images/static-site"
  expect_equal "$status" 125 "exit status"
  expect_contains "$(cat err)" "cannot use KESTREL_VMM_USER"
}

harness_main "$@"
