#!/bin/bash
# Guests with the lean kernel that `make kernel` builds. Skipped where it has not been built.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
time_limit=240

lean_kernel() {
  [ -e "$BUILD/lean-kernel/vmlinux" ] || skip "no lean kernel here: make kernel"
  export KESTREL_KERNEL=$BUILD/lean-kernel/vmlinux
}

# All that a guest can have: a volume, a network card, a way to the host, limits by cgroup; and no module for any of it.
test_a_lean_kernel_has_all_that_guests_need_built_in() {
  lean_kernel
  more_applets lean ip ls id mount nproc uname
  build_image lean --needs vsock,net,blk,rng <<'CONFIG'
exec:
  - name: look
    run_once: true
    command: /bin/sh
    limits: {memory: 64M, pids: 20}
    args:
      - -c
      - |
        ls /lib/modules; uname -r; grep ' /data ' /proc/mounts; ip -o -4 address show dev eth0
        cat /sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)/memory.max
        grep -E '(erofs|squashfs|overlay)$' /proc/filesystems
        readlink /proc/1/fd/2; cat /sys/class/tty/console/active
CONFIG
  expect_equal "$(jq --raw-output .console "$T/lean/manifest.json")" hvc0 "console of the manifest"
  run_vm --volume data:/data:16M --network user "$T/lean"
  expect_equal "$status" 0 "exit status: $(cat err)"
  expect_contains "$(cat out)" "ls: /lib/modules: No such file or directory"
  expect_contains "$(cat out)" "$(cat "$BUILD/lean-kernel/version")"
  expect_contains "$(cat out)" "/data ext4 rw"
  expect_contains "$(cat out)" "10.0.2.15/24"
  expect_contains "$(cat out)" 67108864
  expect_contains "$(cat out)" erofs
  expect_contains "$(cat out)" squashfs
  expect_contains "$(cat out)" overlay
  expect_contains "$(cat out)" hvc0
}

# The UART has the first words, virtio's console the rest, with nothing lost between them and nothing twice.
test_its_console_is_virtios_and_has_all_from_the_first_line_to_a_panic() {
  lean_kernel
  build_image silent <<'CONFIG'
exec: [{name: once, run_once: true, command: /bin/sh, args: ["-c", "exit 0"]}]
CONFIG
  run_vm --keep --name crash --append rdinit=/bin/seq "$T/silent"
  expect_equal "$status" 119 "exit status: $(cat err)"
  vm=crash
  local console
  console=$(cat "$(in_vm_folder console.log)")
  expect_equal "$(grep -c 'Linux version' <<<"$console")" 1 "how often its banner is on the console"
  expect_contains "$console" "Kernel panic - not syncing: Attempted to kill init!"
  expect_contains "$(cat err)" "Attempted to kill init!"
}

test_what_a_lean_kernel_lacks_is_told_when_an_image_is_built() {
  lean_kernel
  mkdir -p tree/bin && cp "$BUILD/packages/busybox/bin/busybox" tree/bin
  status=0
  "$BUILD/kestrelctl" build --quiet --no-check --name t --version 1 --from tree --config /dev/null --needs vsock,btrfs -o t 2>err || status=$?
  expect_equal "$status" 125 "exit status"
  expect_contains "$(cat err)" "cannot add the module btrfs: it is neither in "
  expect_contains "$(cat err)" " nor built into its kernel"
}

harness_main "$@"
