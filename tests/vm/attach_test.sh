#!/bin/bash
# A guest of somebody else's VMM, which registers itself: a plain QEMU that this test starts, with the vsock device in a
# process of its own, as any VMM with a socket in Firecracker's convention would offer it.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
time_limit=240

start_vmm() {
  mkdir -p "$(dirname "$1")"
  "$BUILD/hostd" vsock --vhost "$T/vhost" --uds "$1" --cid 42 2>vsock.log &
  wait_until 10 test -S "$T/vhost"
  local khz
  khz=$(sed -n 's/^cpu MHz.*: \([0-9]*\)\..*/\1000/p' /proc/cpuinfo | head -n 1)
  qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot -M microvm,memory-backend=ram -accel tcg -cpu max \
    -m 192M -object memory-backend-memfd,id=ram,size=192M,share=on -kernel "$BUILD/kernel/vmlinux" -initrd "$T/$2/initramfs.cpio.zst" \
    -append "console=ttyS0 loglevel=6 panic=-1 reboot=t rootfstype=ramfs cryptomgr.notests tsc=reliable tsc_early_khz=$khz kestrel.link=vsock:2:1024" \
    -serial "file:$T/console" -chardev "socket,id=vsock,path=$T/vhost" -device vhost-user-vsock-device,chardev=vsock &
  vmm=$!
}
start_runner() {
  KESTREL_RUNTIME_DIR=$T/r "$BUILD/hostd" vm --attach "$@" >progress 2>"$T/err" &
  runner=$!
}
is_healthy() { [ "$(ask_runner /v1/vm | jq --raw-output .state)" = healthy ]; }
foreign_image() {
  build_image "$1" --program "$(command -v socat):/bin/socat" <<'CONFIG'
exec:
  - name: web
    command: /bin/sh
    args: ["-c", "echo greeting=$GREETING; exec socat TCP-LISTEN:7003,fork,reuseaddr EXEC:cat"]
    env: [{name: GREETING, value_from: env}]
    health: {tcp: {port: 7003, interval: 200ms}}
CONFIG
}

test_a_guest_of_another_vmm_registers_itself_and_takes_every_verb_but_power_and_pause() {
  foreign_image web
  vm=web
  start_runner web -p 0:7003 -e GREETING=hello --hostname foreign
  start_vmm "$T/r/vms/web/vsock.sock" web
  wait_until 60 is_healthy
  expect_equal "$(kestrelctl list -o json | jq -c '[.vms[] | {name, state}]')" '[{"name":"web","state":"healthy"}]'
  expect_contains "$(kestrelctl status web)" healthy
  expect_equal "$(kestrelctl services web -o json | jq --raw-output '.services[].name')" web
  expect_contains "$(kestrelctl logs web)" "[web] greeting=hello"
  expect_contains "$(kestrelctl events web)" "vm.healthy"
  expect_equal "$(kestrelctl exec web -- cat /proc/sys/kernel/hostname)" foreign
  expect_equal "$(echo through | kestrelctl exec -i web -- cat)" through
  head -c 3000000 /dev/urandom >block
  kestrelctl cp -q block web:/run/block
  kestrelctl cp -q web:/run/block copy
  cmp block copy
  expect_equal "$(echo echoed | socat -t10 - "TCP:127.0.0.1:$(guest_port 7003)")" echoed "through the published port"
  # What takes a VMM is refused, and said so.
  expect_status 125 kestrelctl vms pause web 2>err
  expect_contains "$(cat err)" "cannot pause web: cannot pause it: its VMM is somebody else's"
  expect_status 125 kestrelctl stop --force web 2>err
  expect_contains "$(cat err)" "its VMM is somebody else's"
  is_healthy || fail "state: $(ask_runner /v1/vm)"

  kestrelctl stop web >stopped
  status=0
  wait "$runner" || status=$?
  expect_equal "$status" 0 "exit status"
  wait "$vmm"
  expect_contains "$(kestrelctl status web)" "ended with status 0"
  expect_equal "$(jq -r .type "$T/r/vms/web/events.ndjson" | grep -xE 'vm.(attached|linked|exited|stopped)' | xargs)" \
    "vm.attached vm.linked vm.exited vm.stopped"
}

test_the_runner_of_another_vmms_guest_may_come_late_go_and_come_back() {
  foreign_image web
  vm=web
  start_vmm "$T/elsewhere" web
  start_runner web --uds "$T/elsewhere" -e GREETING=first
  wait_until 60 is_healthy
  local id boot
  id=$(ask_runner /v1/vm | jq --raw-output .runtime_id)
  boot=$(ask_runner /v1/vm | jq --raw-output .guest.boot_id)
  local last
  last=$(tail -n 1 "$T/r/vms/web/events.ndjson" | jq .seq)

  kill -TERM "$runner"
  wait "$runner" || fail "the runner ended with $?"
  kill -0 "$vmm" || fail "the guest ended with its runner"
  start_runner web --uds "$T/elsewhere"
  wait_until 30 is_healthy
  expect_equal "$(ask_runner /v1/vm | jq --raw-output .guest.boot_id)" "$boot" "the boot"
  expect_equal "$(service web .restarts)" 0 "restarts of the service"
  # One numbering goes on, and a reader with it.
  expect_equal "$(kestrelctl events web -o json --after "$id:$last" | jq -r .type | grep -xE 'vm.(detached|attached|linked)' | xargs)" \
    "vm.detached vm.attached vm.linked"
  expect_equal "$(jq .seq "$T/r/vms/web/events.ndjson" | xargs)" "$(seq -s ' ' "$(wc -l <"$T/r/vms/web/events.ndjson")")" "numbers"

  # A VMM that goes takes its guest along.
  kill -KILL "$vmm"
  status=0
  wait "$runner" || status=$?
  expect_equal "$status" 117 "exit status"
}

harness_main "$@"
