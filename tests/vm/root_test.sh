#!/bin/bash
# Guests whose root is on a disk: kestrel comes from the initramfs, and goes on there.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
# Its VMMs are scripts in the folder of the test, with disks and sockets that only root may open.
export KESTREL_VMM_USER=root
time_limit=120

# disk_with [PROGRAM...] <CONFIG: an ext4 file system with busybox in $T/disk.img, and a QEMU that has it as the disk `system`.
disk_with() {
  local applet program
  mkdir -p "$T/disk"/{bin,sbin,etc/kestrel,tmp,dev,proc,sys,run}
  cat >"$T/disk/etc/kestrel/config.yaml"
  cp "$BUILD/packages/busybox/bin/busybox" "$T/disk/bin"
  for applet in sh grep cat ls; do ln -sf busybox "$T/disk/bin/$applet"; done
  for program; do cp "$program" "$T/disk/sbin"; done
  mkfs.ext4 -q -F -d "$T/disk" "$T/disk.img" 24M
  cat >"$T/qemu" <<SCRIPT
#!/bin/sh
exec qemu-system-x86_64 "\$@" -blockdev driver=file,filename=$T/disk.img,node-name=disk -device virtio-blk-device,drive=disk,serial=system
SCRIPT
  chmod +x "$T/qemu"
}

# The first stage has a configuration as well, which does not count.
build_first_stage() {
  build_image first --needs vsock,blk <<'CONFIG'
exec: [{name: first, run_once: true, command: /bin/sh, args: ["-c", "echo of the initramfs; exit 9"]}]
CONFIG
}

test_a_root_on_a_disk_is_entered_and_nothing_is_left_of_the_initramfs() {
  disk_with <<'CONFIG'
exec:
  - name: look
    run_once: true
    command: /bin/sh
    args: ["-c", "grep ' / ' /proc/mounts; ls /; echo >/kept"]
CONFIG
  build_first_stage
  run_vm --vmm "$T/qemu" --append "root=system rw" "$T/first"
  expect_equal "$status" 0 "exit status"
  expect_contains "$(cat out)" "/dev/vda / ext4 rw"
  expect_contains "$(cat out)" "lost+found"
  expect_lacks "$(cat out)" "sysroot"
  expect_lacks "$(cat out)" "of the initramfs"
  expect_contains "$(dumpe2fs -h disk.img 2>/dev/null | grep state)" "clean"
  expect_contains "$(debugfs -R 'ls /' disk.img 2>/dev/null)" "kept"
}

test_the_second_stage_is_the_disks_own_kestrel_and_its_root_is_read_only_unless_asked_for() {
  disk_with "$BUILD/kestrel" <<'CONFIG'
exec:
  - {name: look, run_once: true, command: /bin/sh, args: ["-c", "grep ' / ' /proc/mounts; ls -l /proc/1/exe; echo >/x || echo cannot write"]}
CONFIG
  build_first_stage
  run_vm --vmm "$T/qemu" --append "root=/dev/vda rootfstype=ext4" "$T/first"
  expect_equal "$status" 0 "exit status"
  expect_contains "$(cat out)" "/dev/vda / ext4 ro"
  expect_contains "$(cat out)" "/proc/1/exe -> /sbin/kestrel"
  expect_contains "$(cat out)" "cannot write"
}

test_a_root_that_cannot_be_mounted_ends_the_guest_and_the_host_is_told_why() {
  disk_with <<<"exec: []"
  dd if=/dev/zero of="$T/disk.img" bs=1M count=4 conv=notrunc status=none
  build_first_stage
  run_vm --vmm "$T/qemu" --append "root=system rootfstype=ext4" "$T/first"
  expect_equal "$status" 1 "exit status"
  expect_contains "$(cat err)" "cannot mount system on /sysroot: it holds no ext4 file system"
  expect_lacks "$(cat out)" "of the initramfs"
}

harness_main "$@"
