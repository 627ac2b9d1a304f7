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

harness_main "$@"
