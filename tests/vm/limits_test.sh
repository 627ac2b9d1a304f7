#!/bin/bash
# What a real guest's kernel makes of limits, rights, and the keys that concern the guest as a whole.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
time_limit=240

# Modules with an index, as a distribution installs them; the image's own list does not name them.
indexed_modules() {
  local version folder module
  version=$(cat "$BUILD/kernel/version")
  folder=$T/$1.root/lib/modules/$version
  mkdir -p "$folder"
  for module in dummy x_tables ip_tables; do
    find "$BUILD/kernel/modules/" -name "$module.ko" -exec cp {} "$folder" \;
  done
  printf '%s\n' "dummy.ko:" "ip_tables.ko: x_tables.ko" "x_tables.ko:" >"$folder/modules.dep"
}

has_ended() { [ "$(service "$1" '.exits | length')" -gt 0 ]; }

test_a_service_beyond_its_memory_limit_is_killed_whole_and_told_as_oom() {
  more_applets oom tail
  build_image oom <<'CONFIG'
exec:
  - name: hog
    command: /bin/sh
    args: ["-c", "sleep 4545 & tail /dev/zero; echo survived"]
    restart: never
    limits: {memory: 16M}
  - {name: other, command: /bin/sleep, args: ["1000"]}
CONFIG
  start_vm oom "$T/oom"
  wait_until 60 has_ended hog
  expect_equal "$(service hog '.exits[0] | "\(.cause) \(.signal)"')" "oom 9"
  expect_equal "$(service hog .state)" failed
  expect_equal "$(service other .state)" running
  expect_lacks "$(cat out)" "survived"
  stop_vm
  expect_equal "$status" 0 "exit status"
}

test_cpu_pids_and_capabilities_are_what_the_kernel_enforces() {
  more_applets bounds nc id
  build_image bounds <<'CONFIG'
exec:
  - {name: burner, command: /bin/sh, args: ["-c", "while :; do :; done"], limits: {cpu: 0.1}}
  - name: forks
    command: /bin/sh
    args: ["-c", "(for i in $(seq 9); do sleep 1000 & done); exec sleep 1000"]
    limits: {pids: 4}
  - name: port
    command: /bin/nc
    args: ["-l", "-p", "80"]
    user: "1000:1000"
    security: {capabilities: [net_bind_service], no_new_privileges: true}
    health: {exec: {command: /bin/grep, args: [-s, ":0050 ", /proc/net/tcp, /proc/net/tcp6], interval: 100ms}}
  - name: look
    run_once: true
    depends_on: [port, {name: burner, condition: started}, {name: forks, condition: started}]
    command: /bin/sh
    args:
      - -c
      - |
        cd /sys/fs/cgroup/services
        until grep -q 'nr_throttled [1-9]' burner/cpu.stat; do sleep 0.1; done
        until grep -q 'max [1-9]' forks/pids.events; do sleep 0.1; done
        cat burner/cpu.max forks/pids.max
        [ "$(cat forks/pids.current)" -le 4 ] && echo bounded
        grep -E '^(Uid|Cap|NoNew)' "/proc/$(cat port/cgroup.procs)/status"
CONFIG
  start_vm bounds "$T/bounds"
  completed() { [ "$(service look .state)" = completed ]; }
  wait_until 60 completed
  expect_equal "$(printed_by look)" "10000 100000
4
bounded
Uid:	1000	1000	1000	1000
CapInh:	0000000000000400
CapPrm:	0000000000000400
CapEff:	0000000000000400
CapBnd:	0000000000000400
CapAmb:	0000000000000400
NoNewPrivs:	1"
}

test_modules_sysctls_network_and_mounts_are_there_before_the_first_service() {
  more_applets setup ip cut
  indexed_modules setup
  build_image setup <<'CONFIG'
modules: [dummy, ip-tables, no_such_module]
sysctl: {net.core.somaxconn: 777, vm.no_such_key: 1}
network: {mode: static, address: 10.11.12.13/24, gateway: 10.11.12.1, dns: [9.9.9.9, "fd00::53"]}
mounts:
  - {source: tmpfs, target: /data/deep, type: tmpfs, options: [size=1M, noexec]}
  - {source: /data/deep, target: /view, options: [bind, ro]}
  - {source: /dev/absent, target: /absent, type: ext4, options: [nofail]}
exec:
  - name: look
    run_once: true
    command: /bin/sh
    args:
      - -c
      - |
        cut -d ' ' -f 1 /proc/modules | grep -E 'dummy|tables'
        cat /proc/sys/net/core/somaxconn
        ip -o -4 addr show dev dummy0 | grep -o 'inet [^ ]*'
        ip route show default | grep default
        cat /etc/resolv.conf
        grep -E ' /(data/deep|view) ' /proc/mounts | cut -d ' ' -f 2-4
        echo kept >/data/deep/file; cat /view/file
        echo lost 2>/dev/null >/view/file || echo read-only
  - {name: stay, command: /bin/sleep, args: ["1000"], depends_on: [look]}
CONFIG
  start_vm setup "$T/setup"
  local console
  console=$(cat "$(in_vm_folder console.log)")
  expect_contains "$console" "cannot load module no_such_module: it is neither in"
  expect_contains "$console" "cannot set sysctl vm.no_such_key: this kernel has none of that name"
  expect_contains "$console" "cannot mount /dev/absent on /absent: the device did not appear"
  stop_vm
  expect_equal "$status" 0 "exit status"
  expect_equal "$(printed_by look)" "ip_tables
x_tables
dummy
777
inet 10.11.12.13/24
default via 10.11.12.1 dev dummy0 
nameserver 9.9.9.9
nameserver fd00::53
/data/deep tmpfs rw,noexec,relatime,size=1024k,inode64
/view tmpfs ro,noexec,relatime,size=1024k,inode64
kept
read-only"
}

test_the_kernels_ip_parameter_configures_an_automatic_network() {
  more_applets auto ip hostname
  build_image auto --needs vsock,dummy <<'CONFIG'
exec:
  - name: look
    run_once: true
    command: /bin/sh
    args: ["-c", "ip -o -4 addr show dev dummy0 | grep -o 'inet [^ ]*'; ip route show default | grep default; cat /etc/resolv.conf"]
CONFIG
  run_vm --append "ip=10.1.2.3::10.1.2.1:255.255.255.0::dummy0:off:9.9.9.9" "$T/auto"
  expect_equal "$(printed_by look)" "inet 10.1.2.3/24
default via 10.1.2.1 dev dummy0 
nameserver 9.9.9.9"
}

test_a_mount_that_is_missing_keeps_the_services_from_starting_and_is_told_to_the_host() {
  build_image missing <<'CONFIG'
mounts:
  - {source: /dev/vdz, target: /data, type: ext4}
  - {source: tmpfs, target: /scratch, type: no_such_type}
exec:
  - {name: api, command: /bin/seq, args: ["1"], run_once: true}
CONFIG
  run_vm "$T/missing"
  expect_equal "$status" 1 "exit status"
  expect_contains "$(cat err)" "the guest could not boot: 2 problems"
  expect_contains "$(cat err)" "cannot mount /dev/vdz on /data: the device did not appear"
  expect_contains "$(cat err)" "cannot mount tmpfs on /scratch: this kernel has no file system no_such_type"
  expect_equal "$(printed_by api)" ""
}

harness_main "$@"
