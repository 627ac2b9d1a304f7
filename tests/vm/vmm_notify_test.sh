#!/bin/bash
# A guest under a VMM that is not Kestrel's: a plain QEMU, with the vsock device of `hostd vsock`, and somebody who listens as
# systemd-vmspawn does. What the guest says of itself is in $T/told, a message a paragraph.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
time_limit=120
port=9000

# run_qemu IMAGE [ARGUMENT...]: boots it and waits for its end. $append goes to the kernel's command line.
run_qemu() {
  local image=$1
  shift
  printf '#!/bin/sh\ncat >>%s/told\necho >>%s/told\necho >>%s/told\n' "$T" "$T" "$T" >listen
  chmod +x listen
  socat -u "UNIX-LISTEN:$T/vsock_$port,fork" "EXEC:$T/listen" &
  "$BUILD/hostd" vsock --vhost "$T/vhost" --uds "$T/vsock" --cid 42 &
  wait_until 10 test -S "$T/vhost" -a -S "$T/vsock_$port"
  qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot -M q35,memory-backend=ram -accel tcg \
    -cpu max -m 192M -object memory-backend-memfd,id=ram,size=192M,share=on -kernel "$image/vmlinux" \
    -initrd "$image/initramfs.cpio.zst" -serial "file:$T/console" -chardev "socket,id=vsock,path=$T/vhost" \
    -device vhost-user-vsock-pci,chardev=vsock "$@" \
    -append "console=ttyS0 panic=-1 reboot=t rootfstype=ramfs cryptomgr.notests tsc=reliable ${append-}" ||
    fail "QEMU ended with $?: $(cat console)"
  touch told
}

# message NUMBER: the paragraph of that number.
message() { awk -v number="$1" 'BEGIN { RS = ""; ORS = "" } NR == number' told; }

a_batch() {
  build_image batch "$@" <<<'exec: [{name: job, command: /bin/sh, args: ["-c", "exit 3"], run_once: true}]'
}
a_service() {
  build_image service "$@" <<'CONFIG'
exec:
  - {name: web, command: /bin/sh, args: ["-c", "sleep 1; exit 0"], on_exit: {success: shutdown}}
CONFIG
}
# A service that comes up and then ends the guest.
expect_the_life_of_a_service() {
  expect_equal "$(message 1)" "STATUS=Starting services"
  expect_equal "$(message 2)" "READY=1
STATUS=All services are up"
  expect_contains "$(cat told)" "STOPPING=1
STATUS=Shutting down"
  expect_equal "$(tail -n 3 told)" "EXIT_STATUS=0
X_SYSTEMD_SHUTDOWN=poweroff"
}

test_the_kernel_command_line_names_the_socket_and_the_exit_status_arrives() {
  a_batch --needs vsock,pci
  append="systemd.set_credential=vmm.notify_socket:vsock-stream:2:$port" run_qemu "$T/batch"
  expect_equal "$(tail -n 3 told)" "EXIT_STATUS=3
X_SYSTEMD_SHUTDOWN=poweroff"
}

test_firmware_strings_name_the_socket_as_systemd_vmspawn_writes_them() {
  a_service --needs vsock,pci
  run_qemu "$T/service" \
    -smbios "type=11,value=io.systemd.credential.binary:vmm.notify_socket=$(printf 'vsock-stream:2:%s' $port | base64)"
  expect_the_life_of_a_service
}

test_qemus_own_channel_names_the_socket_and_a_device_without_packets_is_no_obstacle() {
  a_service --needs vsock,pci,qemu_fw_cfg
  run_qemu "$T/service" \
    -fw_cfg "name=opt/io.systemd.credentials/vmm.notify_socket,string=vsock:2:$port"
  expect_the_life_of_a_service
}

harness_main "$@"
