#!/bin/bash
# Disks and volumes: files of the host that are block devices in a guest.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
time_limit=240

# run_spec NAME DISKS: the image $T/NAME with the disks of that JSON, to its end; its status is in $status.
run_spec() {
  vm=$1
  jq --null-input --arg name "$1" --arg image "$T/$1" --arg dir "$T/r/vms/$1" --argjson disks "$2" \
    '{$name, kernel: "\($image)/vmlinux", initramfs: "\($image)/initramfs.cpio.zst", accel: "tcg", runtime_dir: $dir, $disks}' \
    >"$T/spec.json"
  status=0
  "$BUILD/hostd" vm "$T/spec.json" >"$T/out" 2>"$T/err" || status=$?
}
logged() { jq --raw-output .line "$(in_vm_folder logs.ndjson)"; }

test_a_guest_finds_disks_by_their_serials_and_only_reads_those_that_are_for_reading() {
  more_applets disks tail
  build_image disks --needs vsock,blk <<'CONFIG'
exec:
  - name: look
    run_once: true
    command: /bin/sh
    args:
      - -c
      - |
        for disk in /sys/block/vd*; do
          echo $(cat $disk/serial) $(cat $disk/size) $(cat $disk/ro)
          [ $(cat $disk/serial) != data ] || echo written >/dev/${disk##*/}
          [ $(cat $disk/serial) != tools ] || head -c 5 /dev/${disk##*/}
        done
CONFIG
  truncate --size 8M data.img
  printf 'hello' >tools.img
  truncate --size 4M tools.img
  chmod 400 tools.img
  run_spec disks '[{"path":"'"$T"'/data.img","serial":"data"},{"path":"'"$T"'/tools.img","serial":"tools","read_only":true}]'
  expect_equal "$status" 0 "exit status"
  expect_equal "$(logged | sort)" "data 16384 0
hello
tools 8192 1"
  expect_equal "$(head -n 1 data.img)" written
}

# build_counter: an image whose service counts its starts on the volume `data`, and says how many there were.
build_counter() {
  build_image counter --needs vsock,blk <<'CONFIG'
exec:
  - name: count
    command: /bin/sh
    args: ["-c", "echo x >>/data/runs; sync; echo run $(wc -l </data/runs); grep ' /data ' /proc/mounts; exec sleep 1000"]
CONFIG
}

test_a_volume_is_made_at_its_first_use_and_keeps_its_data_over_restarts_and_kills() {
  more_applets counter sync
  build_counter
  start_vm first --volume data:/data:16M "$T/counter"
  wait_until 10 grep -q '/data ext4 rw' out
  expect_contains "$(cat out)" "run 1"
  expect_equal "$(kestrelctl volumes list -o json | jq -c '.volumes[] | [.name, .size_bytes, .in_use]')" '["data",16777216,true]'

  run_second
  expect_equal "$status" 125 "exit status of the second VM"
  expect_contains "$(cat second.err)" "cannot use volume data: another VM uses it"
  expect_status 125 kestrelctl volumes rm data 2>refusal
  expect_contains "$(cat refusal)" "cannot remove volume data: a VM uses it"

  kill -KILL "$runner"
  await_end
  # Its QEMU takes a moment to die, and holds the volume until then.
  wait_until 5 is_free
  start_vm second --volume data:/data "$T/counter"
  wait_until 10 grep -q "run 2" out
  stop_vm
  expect_equal "$status" 0 "exit status"
  expect_contains "$(dumpe2fs -h state/volumes/data.raw 2>/dev/null | grep state)" "clean"
  expect_equal "$(debugfs -R 'cat /runs' state/volumes/data.raw 2>/dev/null | wc -l)" 2
  kestrelctl volumes rm data
  expect_equal "$(kestrelctl volumes list -q)" ""
}
run_second() {
  status=0
  kestrelctl run --name second --volume data:/data:16M "$T/counter" >second.out 2>second.err || status=$?
}
is_free() { kestrelctl volumes list | grep -q free; }

test_a_volume_that_cannot_be_mounted_ends_the_guest_and_one_without_a_path_is_left_to_its_configuration() {
  build_image mounting --needs vsock,blk <<'CONFIG'
mounts: [{source: data, target: /srv/data, type: ext4}]
exec: [{name: look, run_once: true, command: /bin/grep, args: ["/srv", "/proc/mounts"]}]
CONFIG
  run_vm --volume data::8M "$T/mounting"
  expect_equal "$status" 0 "exit status"
  expect_contains "$(cat out)" "/srv/data ext4 rw"
  build_image without <<<'exec: [{name: once, run_once: true, command: /bin/sh, args: ["-c", "exit 0"]}]'
  run_vm --volume data:/data "$T/without"
  expect_equal "$status" 1 "exit status"
  expect_contains "$(cat err)" "cannot mount data on /data: there is no disk: the image may lack the module virtio_blk"
  dd if=/dev/zero of=state/volumes/data.raw bs=1M count=8 conv=notrunc status=none
  run_vm --volume data:/other "$T/mounting"
  expect_equal "$status" 1 "exit status"
  expect_contains "$(cat err)" "cannot mount data on /other: it holds no ext4 file system"
}

# The state folder is on a file system of the test's own, which nobody else sees.
test_a_vm_stands_still_where_the_host_has_no_room_for_its_volume_and_goes_on_without_loss_when_it_has() {
  mkdir state
  mount -t tmpfs -o size=6M state state
  more_applets writer dd sync
  build_image writer --needs vsock,blk <<'CONFIG'
exec:
  - name: write
    command: /bin/sh
    args:
      - -c
      - |
        until [ -e /tmp/go ]; do sleep 0.1; done
        dd if=/dev/urandom of=/data/file bs=1M count=12 2>/dev/null; sync; md5sum /data/file; exec sleep 1000
CONFIG
  start_vm writer --volume data:/data:32M "$T/writer"
  kestrelctl exec writer -- /bin/sh -c ': >/tmp/go'
  wait_until 30 is_paused
  expect_contains "$(cat err)" "the disk data cannot be written: No space left on device; the VM stands still"
  expect_equal "$(kestrelctl events writer -o json | jq -c 'select(.type == "vm.disk_error") | .disk')" '"data"'
  mount -o remount,size=64M state
  kestrelctl vms resume writer >/dev/null
  wait_until 30 grep -q /data/file out
  stop_vm
  expect_equal "$status" 0 "exit status"
  expect_equal "$(debugfs -R 'cat /file' state/volumes/data.raw 2>/dev/null | md5sum | cut -d ' ' -f 1)" \
    "$(printed_by write | cut -d ' ' -f 1)" "what was written"
}
is_paused() { [ "$(ask_runner /v1/vm | jq --raw-output .state)" = paused ]; }

harness_main "$@"
