#!/bin/bash
# Programs that misbehave, and operators at bad moments.
source "$(dirname "$0")/../support/harness.sh"
source "$(dirname "$0")/kestrel.sh"
time_limit=90

post() { api "/v1/services/$1/$2" -X POST; }
exits_of() { service "$1" '.exits | length'; }
has_exited() { [ "$(exits_of "$1")" -ge "${2:-1}" ]; }
# Its children, the adopted ones among them.
in_namespace() { ps --no-headers -o pid,stat,args --ppid "$kestrel" || true; }
memory_of_kestrel() { sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$kestrel/status"; }

# --- programs that cannot be executed ------------------------------------------------------------------------------------
test_a_script_whose_interpreter_is_missing_fails_at_once_and_says_so() {
  printf '#!/no/such/interpreter\n' >script
  chmod +x script
  start_kestrel <<YAML
exec:
  - {name: script, command: $T/script}
  - {name: other, command: /bin/sleep, args: ["1000"]}
YAML
  await_state script failed
  expect_contains "$(service script .reason)" "No such file or directory (exec)"
  expect_equal "$(service script .restarts)" 0
}

test_a_file_that_is_no_program_fails_at_once_and_says_so() {
  echo "just text" >text
  chmod +x text
  start_kestrel <<YAML
exec:
  - {name: text, command: $T/text}
  - {name: other, command: /bin/sleep, args: ["1000"]}
YAML
  await_state text failed
  expect_contains "$(service text .reason)" "Exec format error (exec)"
  expect_equal "$(service text .restarts)" 0
}

# --- programs that cannot be trusted to end ------------------------------------------------------------------------------
test_of_a_fork_storm_that_is_stopped_nothing_is_left_and_its_neighbour_is_unharmed() {
  start_kestrel <<YAML
exec:
  - {name: storm, command: $BUILD/support/fork_storm, args: ["4"], stop: {timeout: 300ms}}
  - {name: canary, command: /bin/sleep, args: ["4321"]}
YAML
  wait_until 10 log_has "[storm] up"
  local canary
  canary=$(service canary .pid)
  post storm stop >reply
  await_state storm stopped
  expect_lacks "$(in_namespace)" fork_storm "what is left"
  expect_equal "$(service canary .pid)" "$canary" "the neighbour"
  expect_equal "$(service canary '.exits | length')" 0 "ends of the neighbour"
  expect_lacks "$(cat log)" "cannot kill"
}

test_of_a_fork_storm_nothing_is_left_when_everything_ends() {
  start_kestrel_as_process <<YAML
exec:
  - {name: storm, command: $BUILD/support/fork_storm, args: ["4"], stop: {timeout: 300ms}}
YAML
  wait_until 10 log_has "[storm] up"
  kill -TERM "$kestrel"
  await_end
  expect_equal "$status" 0
  expect_lacks "$(ps --no-headers -e -o args)" "support/fork_storm 4" "what is left"
}

test_a_crash_loop_goes_by_its_budget_and_ends_with_a_reason() {
  start_kestrel <<YAML
exec:
  - name: crash
    command: /bin/sh
    args: ["-c", "echo x >>$T/runs; exit 3"]
    restart: {backoff: {initial: 10ms, max: 20ms}, max_restarts: 5, on_exhausted: fail}
  - {name: other, command: /bin/sleep, args: ["1000"]}
YAML
  await_state crash failed
  expect_equal "$(wc -l <runs)" 6 "runs"
  expect_equal "$(service crash .restarts)" 5
  expect_contains "$(service crash .reason)" "gave up after 5 restarts within 10m; last: exited with 3"
  expect_equal "$(service other .state)" running
}

test_a_crash_loop_backs_off_and_leaves_the_machine_its_time() {
  start_kestrel <<YAML
exec:
  - {name: crash, command: /bin/sh, args: ["-c", "echo x >>$T/runs; exit 3"], restart: {backoff: {initial: 100ms, jitter: 0}}}
YAML
  has_run_four_times() { [ "$(wc -l <runs)" = 4 ]; }
  wait_until 10 has_run_four_times
  # 100, 200 and 400 ms are behind it, and 800 ms before it.
  expect_equal "$(service crash .state)" backing_off
  [ "$(service crash .next_start_ms)" -le 800 ] || fail "it waits for longer than it should"
}

# --- operators at bad moments --------------------------------------------------------------------------------------------
test_a_stop_during_the_start_ends_it_without_ever_being_ready() {
  start_kestrel <<'YAML'
exec:
  - {name: slow, command: /bin/sleep, args: ["1000"], ready: {notify: true}}
YAML
  await_state slow starting
  post slow stop >reply
  await_state slow stopped
  expect_lacks "$(events)" "service.ready slow"
  expect_equal "$(service slow '.exits[-1].cause')" stop
}

test_a_stop_while_a_hook_hangs_does_not_wait_for_the_hook() {
  start_kestrel <<'YAML'
exec:
  - {name: hung, command: /bin/sleep, args: ["1000"], hooks: {pre_start: [{command: /bin/sleep, args: ["5432"]}]}}
YAML
  hook_runs() { in_namespace | grep -q 'sleep 5432'; }
  wait_until 10 hook_runs
  post hung stop >reply
  await_state hung stopped
  expect_equal "$(in_namespace)" ""
  expect_lacks "$(events)" "service.started hung"
}

test_a_stop_during_backoff_is_the_end_of_it() {
  start_kestrel <<YAML
exec:
  - {name: crash, command: /bin/sh, args: ["-c", "echo x >>$T/runs; exit 3"], restart: {backoff: {initial: 300ms, jitter: 0}}}
  - {name: other, command: /bin/sh, args: ["-c", "exec sleep 1000"]}
YAML
  await_state crash backing_off
  post crash stop >reply
  await_state crash stopped
  local runs
  runs=$(wc -l <runs)
  sleep 1
  expect_equal "$(wc -l <runs)" "$runs" "runs after the stop"
}

test_a_start_during_the_stop_starts_anew_when_the_stop_is_over() {
  start_kestrel <<YAML
exec:
  - name: slow
    command: /bin/sh
    args: ["-c", "trap 'until [ -e $T/go ]; do sleep 0.02; done; exit 0' TERM; echo up; while :; do sleep 0.02; done"]
YAML
  wait_until 10 log_has "[slow] up"
  local first
  first=$(service slow .pid)
  post slow stop >reply
  await_state slow stopping
  post slow start >reply
  expect_equal "$(service slow .pid)" "$first" "the process that is still stopping"
  touch go
  is_another() { [ "$(service slow .state)" = running ] && [ "$(service slow .pid)" != "$first" ]; }
  wait_until 10 is_another
  expect_equal "$(grep -c '^\[slow\] up' log)" 2
  expect_equal "$(exits_of slow)" 1
}

# --- probes --------------------------------------------------------------------------------------------------------------
# probe SCRIPT: a service with an exec probe, which runs every 100 ms and may take 300.
start_with_probe() {
  start_kestrel <<YAML
exec:
  - name: web
    command: /bin/sleep
    args: ["1000"]
    health:
      exec:
        command: /bin/sh
        args: ["-c", "$1"]
        interval: 100ms
        timeout: ${2:-300ms}
        start_period: 0s
        failure_threshold: 2
      on_failure: none
YAML
}
is_of_health() { [ "$(service web .health)" = "$1" ]; }

test_a_probe_that_would_succeed_after_its_time_has_failed() {
  start_with_probe "sleep 0.6; echo late >>$T/late; exit 0"
  wait_until 20 is_of_health unhealthy
  [ ! -e late ] || fail "a probe outlived its timeout"
}

test_a_probe_that_prints_a_gigabyte_neither_fills_the_memory_nor_holds_anything_up() {
  start_with_probe "head -c 1G /dev/zero && touch $T/printed" 60s
  wait_until 60 is_of_health healthy
  [ -e printed ] || fail "it has not printed everything"
  [ "$(memory_of_kestrel)" -lt 32768 ] || fail "kestrel took $(memory_of_kestrel) KiB"
}

# --- many short lives ----------------------------------------------------------------------------------------------------
test_ten_thousand_short_lives_beside_a_service_are_not_taken_for_its_own_and_none_of_its_ends_is_lost() {
  start_kestrel <<YAML
exec:
  - {name: orphans, command: $BUILD/support/orphans, args: ["10000"]}
  - name: brief
    command: /bin/sh
    args: ["-c", "echo x >>$T/runs; [ \$(wc -l <$T/runs) -lt 500 ] || exit 78; exit 3"]
    restart: {backoff: {initial: 0ms}}
YAML
  wait_until 60 log_has "[orphans] done"
  await_state brief failed
  expect_equal "$(service brief .restarts)" 499
  expect_equal "$(wc -l <runs)" 500 "runs"
  # What is known of each end: 499 times 3, then 78, and of the orphans' maker none.
  expect_equal "$(events | grep -c '^service.exited brief: exited with 3$')" 499 "ends with 3"
  expect_equal "$(events | grep -c '^service.exited brief: exited with 78$')" 1 "ends with 78"
  expect_equal "$(exits_of orphans)" 0
  expect_equal "$(service orphans .state)" running
  expect_equal "$(zombies)" 0 "zombies"
}

harness_main "$@"
