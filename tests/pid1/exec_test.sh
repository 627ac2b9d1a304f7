#!/bin/bash
# Programs on request: `kestrelctl exec` and its kin against `kestrel run --api`, over its Unix socket.
source "$(dirname "$0")/../support/harness.sh"
source "$(dirname "$0")/kestrel.sh"

start_host() {
  start_kestrel <<'YAML'
exec:
  - {name: sleeper, command: /bin/sleep, args: ["1000"]}
YAML
  await_state sleeper running
}

# run_exec OPTION... -- COMMAND...: leaves out, err and $status.
run_exec() {
  local options=()
  while [ "$1" != -- ]; do options+=("$1"); shift; done
  status=0
  "$BUILD/kestrelctl" exec "${options[@]}" "unix:$T/api.sock" "$@" >out 2>err || status=$?
}

# The processes that kestrel runs besides its service.
others() { ps --no-headers -o comm --ppid "$kestrel" | grep -vx sleep || true; }
has_no_others() { [ -z "$(others)" ]; }
open_files() { find "/proc/$kestrel/fd" -mindepth 1 | wc -l; }

test_output_errors_and_the_exit_status_come_back() {
  start_host
  run_exec -- sh -c 'echo out; echo err >&2; exit 3'
  expect_equal "$status $(cat out) $(cat err)" "3 out err"
  # shellcheck disable=SC2016
  run_exec -- sh -c 'kill -TERM $$'
  expect_equal "$status" 143 "status of one that a signal killed"
}

test_what_cannot_be_executed_ends_with_126_or_127_and_the_reason() {
  start_host
  run_exec -- no-such-program
  expect_equal "$status" 127
  expect_contains "$(cat err)" "kestrelctl: cannot find no-such-program in PATH"
  run_exec -- /no/such/program
  expect_equal "$status $(cat err)" "127 kestrelctl: cannot execute /no/such/program: No such file or directory"
  run_exec -- /etc
  expect_equal "$status $(cat err)" "126 kestrelctl: cannot execute /etc: Permission denied"
  run_exec -w /nowhere -- true
  expect_equal "$status $(cat err)" "126 kestrelctl: cannot enter /nowhere: No such file or directory"
  run_exec -u nobody-at-all -- true
  expect_equal "$status" 126
  expect_contains "$(cat err)" "nobody-at-all"
}

test_a_program_that_is_not_there_is_a_problem_before_the_upgrade() {
  start_host
  local code
  code=$(curl --silent --unix-socket api.sock --output problem --write-out '%{http_code}' \
    -H 'Connection: Upgrade' -H 'Upgrade: kestrel-stream/1' -d '{"command":"/no/such"}' http://vm/v1/exec)
  expect_equal "$code $(jq --raw-output '.stage + " " + .errno' problem)" "422 exec ENOENT"
}

test_user_environment_and_folder_are_as_asked_for() {
  start_host
  # shellcheck disable=SC2016
  KEPT=own run_exec -u nobody:nogroup -w /tmp -e A=1 -e KEPT -- sh -c 'id -un; id -gn; pwd; echo "$A $KEPT $USER"'
  expect_equal "$(cat out)" "nobody
nogroup
/tmp
1 own nobody"
}

test_options_behind_the_vm_are_the_commands() {
  start_host
  local words
  words=$("$BUILD/kestrelctl" exec "unix:$T/api.sock" echo -i -- -e)
  expect_equal "$words" "-i -- -e"
  words=$("$BUILD/kestrelctl" exec "unix:$T/api.sock" -- echo -- -i)
  expect_equal "$words" "-- -i"
}

test_the_end_of_standard_input_does_not_truncate_output() {
  start_host
  head -c 20000000 /dev/urandom >blob
  # It reads all of its input before it writes anything.
  run_exec -i -- sh -c 'cat >'"$T"'/copy; cat '"$T"'/copy' <blob
  expect_equal "$status" 0
  cmp out blob
}

test_standard_input_is_passed_on_only_if_asked_for() {
  start_host
  echo typed >input
  run_exec -- sh -c 'cat; echo over' <input
  expect_equal "$status $(cat out)" "0 over"
  run_exec -i -- sh -c 'cat; echo over' <input
  expect_equal "$status $(cat out)" "0 typed
over"
  # What it did not pass on is still there for whoever comes next.
  { run_exec -- true; cat >rest; } <input
  expect_equal "$(cat rest)" typed
}

test_output_that_nobody_reads_ends_it_as_a_broken_pipe_would() {
  start_host
  local statuses
  "$BUILD/kestrelctl" exec "unix:$T/api.sock" yes 2>err | head -n 1 >out && statuses="${PIPESTATUS[*]}" || statuses="${PIPESTATUS[*]}"
  expect_equal "$statuses $(cat out) $(cat err)" "141 0 y "
  wait_until 5 has_no_others
}

test_a_gigabyte_arrives_intact_in_constant_memory() {
  start_host
  local before sum
  before=$(awk '/^VmHWM/ { print $2 }' "/proc/$kestrel/status")
  sum=$("$BUILD/kestrelctl" exec "unix:$T/api.sock" -- head -c 1073741824 /dev/zero | md5sum)
  expect_equal "$sum" "cd573cfaace07e7949bc0c46028904ff  -"
  [ "$(awk '/^VmHWM/ { print $2 }' "/proc/$kestrel/status")" -lt $((before + 1024)) ] ||
    fail "kestrel grew from $before KiB to $(awk '/^VmHWM/ { print $2 }' "/proc/$kestrel/status")"
}

test_output_that_a_grandchild_holds_open_is_waited_for_a_second_then_it_is_killed() {
  start_host
  run_exec -- sh -c '(sleep 0.2; echo late) & echo first'
  expect_equal "$(cat out)" "first
late"
  run_exec -- sh -c 'sleep 4711 & echo done; exit 5'
  expect_equal "$status $(cat out)" "5 done"
  wait_until 5 has_no_others
  expect_lacks "$(ps -e -o args)" "sleep 4711"
}

test_signals_are_passed_on_to_the_whole_group() {
  start_host
  "$BUILD/kestrelctl" exec "unix:$T/api.sock" sh -c 'trap "echo got USR1" USR1; trap "echo got TERM; exit 7" TERM; echo up; while :; do sleep 0.05; done' >out &
  local client=$!
  wait_until 10 grep -q up out
  kill -USR1 "$client"
  wait_until 10 grep -q "got USR1" out
  kill -TERM "$client"
  expect_status 7 wait "$client"
}

test_a_timeout_kills_all_of_it_and_ends_with_124() {
  start_host
  run_exec --timeout 300ms -- sh -c 'sleep 4712 & sleep 4713'
  expect_equal "$status" 124
  expect_contains "$(cat err)" "took longer than it may"
  wait_until 5 has_no_others
  expect_lacks "$(ps -e -o args)" "sleep 471"
}

# A shell on a terminal in the background; its keys come from the pipe `keys`.
start_terminal() {
  mkfifo keys
  script --quiet --flush --return --command "$1" /dev/null <keys >typescript &
  terminal=$!
  exec 8>keys
}
has_typed() { tr -d '\r' <typescript | grep -q -- "$1"; }

test_a_terminal_has_a_size_and_is_the_programs_own() {
  start_host
  start_terminal "stty rows 33 cols 101; exec $BUILD/kestrelctl exec -it unix:$T/api.sock sh -c 'stty size; tty; read line; echo \"got \$line\"; ps --no-headers -o tpgid -p \$\$ | grep -qw \$\$ && echo leads; exit 6'"
  wait_until 10 has_typed '^33 101$'
  wait_until 10 has_typed '^/dev/pts/[0-9]*$'
  printf 'a line\r' >&8
  expect_status 6 wait "$terminal"
  has_typed '^got a line$' || fail "the program's input lacks the line: $(cat typescript)"
  has_typed '^leads$' || fail "the program is not in the foreground of its terminal: $(cat typescript)"
}

test_ctrl_c_reaches_the_foreground_and_the_shell_goes_on() {
  start_host
  start_terminal "$BUILD/kestrelctl shell --shell /bin/sh unix:$T/api.sock"
  printf 'echo ready-%s; sleep 4714\n' now >&8
  wait_until 10 has_typed ready-now
  has_sleeper() { pgrep -f '^sleep 4714' >/dev/null; }
  wait_until 10 has_sleeper
  printf '\003' >&8
  printf 'echo still-%s $?\n' here >&8
  wait_until 10 has_typed "still-here 130"
  printf 'exit 6\n' >&8
  expect_status 6 wait "$terminal"
  expect_lacks "$(ps -e -o args)" "sleep 4714"
}

test_the_window_is_resized_with_ours() {
  start_host
  start_terminal "stty rows 10 cols 20; echo \$\$ >$T/shell; exec $BUILD/kestrelctl exec -it unix:$T/api.sock sh -c 'trap \"stty size\" WINCH; echo up; while :; do sleep 0.05; done'"
  wait_until 10 has_typed up
  stty rows 44 cols 155 <"/proc/$(cat shell)/fd/0"
  wait_until 10 has_typed "44 155"
  kill -TERM "$(cat shell)"
  wait "$terminal" || true
}

test_the_terminal_is_as_before_when_it_is_over() {
  start_host
  script --quiet --command "stty -a >before; $BUILD/kestrelctl exec -it unix:$T/api.sock sh -c 'stty -echo raw; kill -9 \$\$'; stty -a >after" /dev/null </dev/null >typescript
  cmp before after
}

test_a_reader_that_pauses_longer_than_the_signs_of_life_loses_nothing() {
  start_host
  "$BUILD/kestrelctl" exec "unix:$T/api.sock" seq 2000000 | { sleep 22; cat; } >numbers
  seq 2000000 | cmp - numbers
}

test_a_detached_program_is_come_back_to() {
  start_host
  local id
  id=$("$BUILD/kestrelctl" exec -d "unix:$T/api.sock" sh -c "echo one; while ! [ -e $T/go ]; do sleep 0.05; done; echo two; exit 9")
  has_printed() { [ "$(api "/v1/exec/$id" | jq .output.end)" = 4 ]; }
  wait_until 10 has_printed
  "$BUILD/kestrelctl" attach "unix:$T/api.sock" "$id" >first &
  local client=$!
  wait_until 10 grep -q one first
  kill -KILL "$client"
  wait "$client" || true
  touch go
  expect_status 9 "$BUILD/kestrelctl" attach --offset 4 "unix:$T/api.sock" "$id" >second
  expect_equal "$(cat second)" two
  expect_equal "$(api /v1/exec)" '{"execs":[]}'
}

test_100_clients_that_are_killed_leave_no_process_and_no_descriptor() {
  start_host
  run_exec -- true
  local files i clients=()
  files=$(open_files)
  mkfifo keep
  exec 7<>keep  # input that never comes
  for i in $(seq 100); do
    "$BUILD/kestrelctl" exec -i "unix:$T/api.sock" sh -c 'echo up; sleep 4715 & sleep 4715' <keep >"up.$i" 2>/dev/null &
    clients+=("$!")
  done
  all_are_up() { [ "$(cat up.* | grep -c up)" = 100 ]; }
  wait_until 40 all_are_up
  kill -KILL "${clients[@]}"
  wait "${clients[@]}" || true
  wait_until 20 has_no_others
  expect_lacks "$(ps -e -o args)" "sleep 4715"
  has_its_files_back() { [ "$(open_files)" -le "$files" ]; }
  wait_until 10 has_its_files_back
  expect_equal "$(api /v1/exec)" '{"execs":[]}'
}

test_programs_whose_output_nobody_takes_hold_up_no_other() {
  start_host
  local i before
  mkfifo stuck
  exec 7<>stuck  # takes a pipe full, and no more
  for i in $(seq 10); do "$BUILD/kestrelctl" exec "unix:$T/api.sock" yes >stuck & done
  all_run() { [ "$(others | grep -c '^yes$')" = 10 ]; }
  wait_until 20 all_run
  before=$(awk '/^VmRSS/ { print $2 }' "/proc/$kestrel/status")
  for i in $(seq 20); do
    run_exec -- echo "$i"
    expect_equal "$status $(cat out)" "0 $i"
  done
  expect_equal "$("$BUILD/kestrelctl" exec "unix:$T/api.sock" -- head -c 67108864 /dev/zero | md5sum)" "$(head -c 67108864 /dev/zero | md5sum)"
  # Each that is stuck keeps one batch of output.
  [ "$(awk '/^VmRSS/ { print $2 }' "/proc/$kestrel/status")" -lt $((before + 10 * 160 + 1024)) ] || fail "kestrel grew from $before KiB"
}

test_100_programs_at_once_each_have_their_own_output() {
  start_host
  local i clients=()
  for i in $(seq 100); do
    "$BUILD/kestrelctl" exec "unix:$T/api.sock" sh -c "sleep 0.3; seq $i $((i + 1000))" >"out.$i" &
    clients+=("$!")
  done
  for i in "${clients[@]}"; do wait "$i"; done
  for i in $(seq 100); do seq "$i" $((i + 1000)) | cmp - "out.$i"; done
}

test_an_orderly_end_takes_programs_on_request_along() {
  start_host
  "$BUILD/kestrelctl" exec "unix:$T/api.sock" sh -c 'echo up; sleep 4716' >out 2>err &
  local client=$!
  wait_until 10 grep -q up out
  kill -TERM "$kestrel"
  expect_status 125 wait "$client"
  expect_contains "$(cat err)" "the guest ends"
  await_end
  expect_equal "$status" 0
}

harness_main "$@"
