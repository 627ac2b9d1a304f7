#!/bin/bash
# The file systems of root disks: those that are only read, with what is written laid over them, and those that need mending.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
time_limit=240

# root_image NAME ARGUMENT...: an image $T/NAME with a root disk. Its job tells what / is, and what earlier runs have kept.
root_image() {
  local name=$1 applet
  shift
  mkdir -p "$T/tree/bin" "$T/tree/etc"
  cp "$BUILD/packages/busybox/bin/busybox" "$T/tree/bin"
  for applet in sh cat grep; do ln -sf busybox "$T/tree/bin/$applet"; done
  echo 'root:x:0:0:root:/root:/bin/sh' >"$T/tree/etc/passwd"
  cat >"$T/root.yaml" <<'YAML'
exec:
  - name: once
    command: /bin/sh
    args: ["-c", "grep ' / ' /proc/mounts; cat /kept; echo kept >>/kept; cat /kept; cat /etc/passwd"]
    run_once: true
YAML
  "$BUILD/kestrelctl" build --quiet --rootfs --from "$T/tree" --config "$T/root.yaml" --name root --version 1 -o "$T/$name" "$@" >/dev/null
}

# runs_over_a_read_only_root ARGUMENT...: boots $T/image, whose root is an overlay, to its end.
runs_over_a_read_only_root() {
  run_vm "$@" "$T/image"
  expect_equal "$status" 0 "exit status: $(cat err)"
  expect_contains "$(printed_by once)" "overlay / overlay rw"
  expect_contains "$(printed_by once)" "root:x:0:0:root"
}

test_an_erofs_root_is_only_read_and_what_is_written_is_in_memory_or_on_a_volume_at_the_root() {
  root_image image --filesystem erofs
  local before
  before=$(sha256sum <image/rootfs.erofs)
  runs_over_a_read_only_root
  expect_contains "$(cat out)" "can't open '/kept'" "what the first run prints"
  runs_over_a_read_only_root --volume data:/:16M
  expect_contains "$(cat out)" "can't open '/kept'" "what the run after it prints"
  expect_contains "$(dumpe2fs -h state/volumes/data.raw 2>/dev/null)" "clean"
  expect_lacks "$(dumpe2fs -h state/volumes/data.raw 2>/dev/null)" "needs_recovery"
  expect_equal "$(debugfs -R 'cat /upper/kept' state/volumes/data.raw 2>/dev/null)" kept "what is on the volume"
  runs_over_a_read_only_root --volume data:/
  expect_equal "$(printed_by once | grep -c '^kept$')" 3 "how often the second run with the volume prints what was kept"
  expect_equal "$(sha256sum <image/rootfs.erofs)" "$before" "checksum of the disk afterwards"
}

test_a_squashfs_root_is_only_read_and_shared_by_vms_at_once() {
  root_image image --filesystem squashfs
  local first first_status=0
  KESTREL_RUNTIME_DIR=$T/r KESTREL_ACCEL=tcg "$BUILD/kestrelctl" run --name first "$T/image" >first.out 2>&1 &
  first=$!
  runs_over_a_read_only_root --name second
  wait "$first" || first_status=$?
  expect_equal "$first_status" 0 "exit status of the other: $(cat first.out)"
}

test_a_full_volume_at_the_root_ends_the_guest_and_the_host_is_told() {
  root_image image --filesystem erofs
  mkdir -p state/volumes full
  touch full/{1..5}
  mke2fs -q -t ext4 -N 16 -d full state/volumes/data.raw 4M
  expect_contains "$(dumpe2fs -h state/volumes/data.raw 2>/dev/null | tr -s ' ')" "Free inodes: 0"
  run_vm --volume data:/ "$T/image"
  expect_equal "$status" 1 "exit status"
  expect_contains "$(cat err)" "cannot prepare what takes the guest's writes: cannot create /run/kestrel/root/writes/upper: No space left on device"
}

test_a_dirty_root_is_found_by_its_label_and_mended_before_it_is_mounted() {
  root_image image --format raw
  # It says that it was in use, and that next to nothing is free.
  debugfs -w -R 'set_super_value state 0' image/rootfs.img 2>/dev/null
  debugfs -w -R 'set_super_value free_inodes_count 1' image/rootfs.img 2>/dev/null
  run_vm --keep --name dirty --append root=LABEL=rootfs "$T/image"
  expect_equal "$status" 0 "exit status: $(cat err)"
  expect_contains "$(cat "$T/r/vms/dirty/console.log")" "the file system on /dev/vda was mended"
  expect_contains "$(printed_by once)" "/dev/vda / ext4 rw"
}

test_a_root_that_cannot_be_mended_and_one_that_is_missing_end_the_guest_and_the_host_is_told() {
  root_image image --format raw
  run_vm --append root=elsewhere "$T/image"
  expect_equal "$status" 1 "exit status"
  expect_contains "$(cat err)" "cannot mount elsewhere on /sysroot: no disk has that name as its serial number"
  debugfs -w -R 'clri <2>' image/rootfs.img 2>/dev/null
  debugfs -w -R 'set_super_value state 0' image/rootfs.img 2>/dev/null
  run_vm "$T/image"
  expect_equal "$status" 1 "exit status"
  expect_contains "$(cat err)" "cannot mount rootfs on /sysroot: its file system is damaged, and e2fsck cannot mend it by itself (status 4:"
}

test_disks_are_the_same_to_the_byte_each_time() {
  local kind image
  for kind in "ext4 qcow2" "erofs erofs" "squashfs squashfs"; do
    image=rootfs.${kind#* }
    root_image one --filesystem "${kind% *}"
    touch tree/etc/passwd
    SOURCE_DATE_EPOCH=0 root_image two --filesystem "${kind% *}"
    cmp "one/$image" "two/$image"
    SOURCE_DATE_EPOCH=1000000000 root_image later --filesystem "${kind% *}"
    ! cmp --quiet "one/$image" "later/$image" || fail "the time of the files is not SOURCE_DATE_EPOCH"
  done
}

# build_again ARGUMENT...: from the tree of root_image; what it says is in $T/err.
build_again() {
  expect_status 125 "$BUILD/kestrelctl" build --quiet --no-check --rootfs --from tree --config root.yaml --name root --version 1 "$@" 2>err
}

# The small folder is on a file system of the test's own, which nobody else sees.
test_a_missing_program_and_a_full_disk_are_told_when_a_disk_is_built() {
  root_image image --format raw
  PATH=$T/none build_again --filesystem erofs -o refused
  expect_contains "$(cat err)" "cannot run mkfs.erofs: it is not installed; apt install erofs-utils"
  PATH=$T/none build_again --filesystem squashfs -o refused
  expect_contains "$(cat err)" "cannot run mksquashfs: it is not installed; apt install squashfs-tools"
  mkdir small
  mount -t tmpfs -o size=1M small small
  build_again -o small/image
  expect_contains "$(cat err)" "No space left on device"
  expect_equal "$(find small -mindepth 1)" "" "what is left"
}

harness_main "$@"
