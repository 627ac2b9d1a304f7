#!/bin/bash
# Copies into a guest and out of it, over the real device.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
time_limit=300

start() {
  build_image files <<'YAML'
exec: [{name: web, command: /bin/sleep, args: ["1000"]}]
mounts:
  - {source: tmpfs, target: /small, type: tmpfs, options: [size=1m]}
  - {source: tmpfs, target: /large, type: tmpfs, options: [size=300m]}
YAML
  start_vm files "$T/files" --memory 768M
}

described() { (cd "$1" && find . -printf '%P %y %m %U %G %l\n' | sort && find . -type f -exec md5sum {} + | sort); }
# The most that PID 1 of the guest, or a process here, has ever held, in KiB.
peak() { awk '/^VmHWM/ { print $2 }' "$1"; }
guest_peak() { ask_guest '/v1/files?path=/proc/1/status' >status.1 && peak status.1; }

test_a_tree_and_a_large_file_go_into_a_guest_and_back() {
  start
  mkdir -p tree/sub/"$(printf 'n%.0s' {1..150})"
  head -c 700000 /dev/urandom >tree/sub/data
  echo hello >tree/hello
  chown 12:34 tree/hello
  chmod 4711 tree/hello
  ln -s ../nowhere tree/sub/link
  kestrelctl cp -a tree files:/tmp
  kestrelctl cp -a files:/tmp/tree back
  expect_equal "$(described back)" "$(described tree)"

  head -c 256M /dev/zero | tr '\0' k >big
  local before
  before=$(guest_peak)
  kestrelctl cp big files:/large
  kestrelctl cp files:/large/big again
  cmp big again
  local grown=$(($(guest_peak) - before))
  [ "$grown" -lt 4096 ] || fail "PID 1 grew by $grown KiB"
  [ "$(peak "/proc/$runner/status")" -lt 65536 ] || fail "the runner holds $(peak "/proc/$runner/status") KiB"
  stop_vm
  expect_equal "$status" 0 "exit status"
}

test_a_full_disk_of_a_guest_is_told_and_nothing_is_left() {
  start
  head -c 3000000 /dev/urandom >big
  expect_status 1 kestrelctl cp big files:/small 2>err
  expect_contains "$(cat err)" "cannot write /small/big: No space left on device"
  expect_equal "$(ask_guest '/v1/files?path=/small')" '{"entries":[]}'
  stop_vm
  expect_equal "$status" 0 "exit status"
}

harness_main "$@"
