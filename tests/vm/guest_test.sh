#!/bin/bash
# What a guest finds itself in, and the ways in which it is asked to end.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
# Its VMMs are scripts in the folder of the test, with disks and sockets that only root may open.
export KESTREL_VMM_USER=root
time_limit=240

test_a_guest_has_its_file_systems_name_loopback_and_a_network_only_where_one_is_wanted() {
  more_applets surroundings ip hostname cut sort awk
  build_image surroundings --needs vsock,dummy <<'CONFIG'
hostname: of-the-config
network: {mode: none}
exec:
  - name: look
    run_once: true
    command: /bin/sh
    args:
      - -c
      - |
        awk '{ print $2, $3 }' /proc/mounts | grep -E '^/(proc|sys|dev|dev/pts|dev/shm|run|tmp|sys/fs/cgroup) ' | sort
        grep -o memory /sys/fs/cgroup/cgroup.subtree_control
        hostname
        ip -o -4 addr show dev lo | grep -o 'inet [^ ]*'
        ip -o addr show dev dummy0 | grep -o 'inet .*'
        cat /proc/sys/kernel/ctrl-alt-del
  - name: off
    run_once: true
    command: /bin/kill
    args: [-PWR, "1"]
    depends_on: [look]
  - {name: stay, command: /bin/sleep, args: ["1000"]}
CONFIG
  run_vm --append "ip=10.1.2.3::10.1.2.1:255.255.255.0::dummy0:off" "$T/surroundings"
  expect_equal "$(printed_by look)" "/dev devtmpfs
/dev/pts devpts
/dev/shm tmpfs
/proc proc
/run tmpfs
/sys sysfs
/sys/fs/cgroup cgroup2
/tmp tmpfs
memory
of-the-config
inet 127.0.0.1/8
0"
  # SIGPWR, as from a host whose power fails, was an orderly end.
  expect_equal "$status" 0 "exit status"
}

# The kernel makes SIGINT of Ctrl-Alt-Del, as the 0 above says; this machine has no keyboard.
test_the_hosts_name_for_a_guest_beats_the_configurations_and_sigint_ends_it_in_order() {
  more_applets named hostname
  build_image named <<'CONFIG'
hostname: of-the-config
exec:
  - {name: look, command: /bin/hostname, run_once: true}
  - {name: stay, command: /bin/sleep, args: ["1000"], depends_on: [look]}
  - {name: interrupt, command: /bin/kill, args: [-INT, "1"], run_once: true, depends_on: [stay]}
CONFIG
  printf '#cloud-config\nhostname: of-the-user-data\n' >user-data
  launch_vm named --keep --hostname of-the-host --cloud-init user-data "$T/named"
  await_end
  expect_equal "$status" 0 "exit status"
  expect_equal "$(printed_by look)" "of-the-host"
  expect_contains "$(jq --raw-output 'select(.type == "service.stopped").service' "$(in_vm_folder events.ndjson)")" stay
}

# A QEMU with a disk of its own, which is the volume `data`, and a clock that is 25 years slow.
build_qemu() {
  mkfs.ext4 -q -F disk.img 8M
  cat >qemu <<SCRIPT
#!/bin/sh
exec qemu-system-x86_64 "\$@" -rtc base=2001-02-03 -blockdev driver=file,filename=$T/disk.img,node-name=disk \
  -device virtio-blk-device,drive=disk,serial=data
SCRIPT
  chmod +x qemu
}

test_a_guests_clock_is_the_hosts_and_what_it_wrote_to_a_volume_is_on_the_disk_when_it_ends() {
  build_qemu
  more_applets volume date dd
  build_image volume --needs vsock,blk <<'CONFIG'
mounts: [{source: data, target: /var/lib/data, type: ext4}]
exec:
  - name: write
    run_once: true
    command: /bin/sh
    args: ["-c", "date +%s; dd if=/dev/zero of=/var/lib/data/zeros bs=1M count=2 2>/dev/null; echo kept >/var/lib/data/file"]
CONFIG
  run_vm --vmm "$T/qemu" "$T/volume"
  expect_equal "$status" 0 "exit status"
  local said
  said=$(printed_by write)
  [ $(($(date +%s) - said)) -lt 300 ] || fail "the guest's clock says $said"
  # Unmounted, not only written: there is no journal to recover.
  expect_contains "$(dumpe2fs -h disk.img 2>/dev/null | grep -E 'state|features')" "clean"
  expect_lacks "$(dumpe2fs -h disk.img 2>/dev/null | grep features)" "needs_recovery"
  expect_equal "$(debugfs -R 'cat file' disk.img 2>/dev/null)" "kept"
  debugfs -R "dump zeros $T/zeros" disk.img 2>/dev/null
  expect_equal "$(stat -c %s zeros)" 2097152 "the size of a file"
}

harness_main "$@"
