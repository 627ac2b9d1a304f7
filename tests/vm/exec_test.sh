#!/bin/bash
# Programs on request in a real guest, over vsock: its cgroups, its terminals, its kernel's OOM killer.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
time_limit=300

start_shop() {
  local applet
  mkdir -p shop.root/bin
  for applet in stty tail ls true dd; do ln -sf busybox "shop.root/bin/$applet"; done
  build_image shop <<'CONFIG'
exec:
  - {name: sleeper, command: /bin/sleep, args: ["100000"]}
CONFIG
  start_vm shop "$T/shop"
}

# run_exec OPTION... -- COMMAND...: leaves out, err and $status.
run_exec() {
  local options=()
  while [ "$1" != -- ]; do options+=("$1"); shift; done
  status=0
  kestrelctl exec "${options[@]}" shop "$@" >out 2>err || status=$?
}
in_guest() { kestrelctl exec shop -- "$@"; }

# What execs left in the guest: cgroups but the asking one's, descriptors of PID 1, the API's own list.
exec_cgroups() { in_guest sh -c 'ls /sys/fs/cgroup/services | grep -c "^@exec-"'; }
has_one_cgroup() { [ "$(exec_cgroups)" = 1 ]; }
descriptors() { in_guest sh -c 'ls /proc/1/fd | wc -l'; }
peak_kib() { in_guest grep VmHWM /proc/1/status | tr -dc 0-9; }

test_output_and_the_end_of_a_program_come_back_from_a_guest() {
  start_shop
  run_exec -- sh -c 'echo out; echo err >&2; exit 3'
  expect_equal "$status $(cat out) $(cat err)" "3 out err"
  # shellcheck disable=SC2016
  run_exec -- sh -c 'kill -TERM $$'
  expect_equal "$status" 143
  run_exec -- /no/such/program
  expect_equal "$status $(cat err)" "127 kestrelctl: cannot execute /no/such/program: No such file or directory"
  # Each program has a cgroup, which is gone soon after it.
  wait_until 5 has_one_cgroup
}

test_input_reaches_a_guest_and_its_end_truncates_nothing() {
  start_shop
  head -c 16777216 /dev/urandom >blob
  run_exec -i -- sh -c 'cat >/tmp/copy; cat /tmp/copy' <blob
  expect_equal "$status" 0
  cmp out blob
}

test_256_mib_of_output_arrive_intact_in_constant_memory() {
  start_shop
  local before began sum
  in_guest dd if=/dev/zero bs=64k count=16 >/dev/null 2>&1
  before=$(peak_kib)
  began=$EPOCHREALTIME
  # In blocks: an emulated head reads byte by byte.
  sum=$(in_guest dd if=/dev/zero bs=64k count=4096 2>/dev/null | md5sum)
  echo "256 MiB in $(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }') s"
  expect_equal "$sum" "1f5039e50bd66b290c56684d8550c6c2  -"
  [ "$(peak_kib)" -lt $((before + 512)) ] || fail "kestrel grew from $before KiB to $(peak_kib)"
}

# A program on a terminal here; its keys come from descriptor 8.
start_terminal() {
  mkfifo keys
  KESTREL_RUNTIME_DIR=$T/r script --quiet --flush --command "$1" /dev/null <keys >typescript &
  terminal=$!
  exec 8>keys
}
has_typed() { tr -d '\r' <typescript | grep -q -- "$1"; }

test_a_shell_in_a_guest_takes_ctrl_c_and_follows_the_window() {
  start_shop
  start_terminal "stty rows 33 cols 101; echo \$\$ >shell; exec $BUILD/kestrelctl shell shop"
  printf 'stty size; sleep 4714\n' >&8
  wait_until 20 has_typed '^33 101'
  # Before it has begun, the shell would take the key for itself. The other one is the service.
  both_sleep() { [ "$(in_guest sh -c 'cat /proc/[0-9]*/comm' | grep -c '^sleep$')" = 2 ]; }
  wait_until 20 both_sleep
  printf '\003' >&8
  printf 'echo still-%s $?\n' here >&8
  wait_until 20 has_typed 'still-here 130'
  stty rows 44 cols 155 <"/proc/$(cat shell)/fd/0"
  has_grown() { printf 'stty size\n' >&8; sleep 0.2; has_typed '^44 155'; }
  wait_until 20 has_grown
  printf 'exit 6\n' >&8
  wait "$terminal"
  wait_until 10 has_one_cgroup
}

test_a_program_that_takes_all_memory_is_told_as_oom() {
  start_shop
  run_exec -- tail /dev/zero
  expect_equal "$status" 137
  expect_contains "$(cat err)" "out of memory"
  expect_equal "$(service sleeper .state)" running
}

test_100_clients_that_are_killed_leave_nothing_in_the_guest() {
  start_shop
  in_guest true
  local before i client
  before=$(descriptors)
  mkfifo keep
  exec 7<>keep  # input that never comes
  for i in $(seq 100); do
    rm -f up
    KESTREL_RUNTIME_DIR=$T/r "$BUILD/kestrelctl" exec -i shop sh -c 'echo up; sleep 4715 & sleep 4715' <keep >up &
    client=$!
    wait_until 20 grep -q up up
    kill -KILL "$client"
    wait "$client" 2>/dev/null || true
  done
  wait_until 20 has_one_cgroup
  has_its_descriptors_back() { [ "$(descriptors)" -le "$before" ]; }
  wait_until 10 has_its_descriptors_back
  expect_equal "$(in_guest sh -c 'cat /proc/[0-9]*/cmdline' | tr '\0' '\n' | grep -cx 4715 || true)" 0 "processes left"
  expect_equal "$(ask_guest /v1/exec)" '{"execs":[]}'
}

test_100_programs_at_once_in_a_guest_each_have_their_own_output() {
  start_shop
  local i clients=()
  for i in $(seq 100); do
    KESTREL_RUNTIME_DIR=$T/r "$BUILD/kestrelctl" exec shop sh -c "sleep 1; seq $i $((i + 500))" >"out.$i" &
    clients+=("$!")
  done
  for i in "${clients[@]}"; do wait "$i"; done
  for i in $(seq 100); do seq "$i" $((i + 500)) | cmp - "out.$i"; done
  wait_until 10 has_one_cgroup
}

test_a_detached_program_goes_on_without_its_client() {
  start_shop
  local id
  id=$(kestrelctl exec -d shop -- sh -c 'echo one; while ! [ -e /tmp/go ]; do sleep 0.1; done; echo two; exit 9')
  in_guest sh -c ': >/tmp/go'
  expect_status 9 kestrelctl attach shop "$id" >printed
  expect_equal "$(cat printed)" "one
two"
}

test_a_vm_that_goes_down_ends_its_clients_with_125() {
  start_shop
  KESTREL_RUNTIME_DIR=$T/r "$BUILD/kestrelctl" exec shop sh -c 'echo up; sleep 4716' >out 2>err &
  local client=$!
  wait_until 20 grep -q up out
  stop_vm
  expect_equal "$status" 0
  expect_status 125 wait "$client"
  expect_status 125 kestrelctl exec shop true 2>said
  expect_contains "$(cat said)" "there is no VM of that name"
  expect_status 125 kestrelctl exec nonsense true 2>said
  expect_contains "$(cat said)" "cannot run a program in nonsense: there is no VM of that name"
}

harness_main "$@"
