#!/bin/bash
# Starting, ending and restarting: what happens to processes.
source "$(dirname "$0")/../support/harness.sh"
source "$(dirname "$0")/kestrel.sh"

is_running_as_another() {
  local now
  now=$(service "$1" .pid)
  [ "$now" != null ] && [ "$now" != "$2" ]
}

test_a_batch_ends_with_the_status_of_the_job_that_failed() {
  run_kestrel <<'YAML'
exec:
  - {name: good, command: /bin/true, run_once: true}
  - {name: bad, command: /bin/sh, args: ["-c", "exit 7"], run_once: true}
YAML
  expect_equal "$status" 7
}

test_a_batch_whose_jobs_all_succeed_ends_with_0() {
  run_kestrel <<'YAML'
exec:
  - {name: one, command: /bin/true, run_once: true}
  - {name: two, command: /bin/true, run_once: true, depends_on: [one]}
YAML
  expect_equal "$status" 0
  expect_contains "$(events)" "job.completed two"
}

test_a_job_that_a_signal_killed_ends_the_batch_with_128_and_the_signal() {
  run_kestrel <<'YAML'
exec:
  - {name: killed, command: /bin/sh, args: ["-c", "kill -USR1 $$"], run_once: true}
YAML
  expect_equal "$status" $((128 + 10))
}

# The status of a batch whose one job is this command of a shell.
status_of() {
  echo "exec: [{name: job, command: /bin/sh, args: ['-c', '$1'], run_once: true}]" >config.yaml
  local status=0
  "$BUILD/kestrel" run -c config.yaml >out 2>log || status=$?
  echo "$status"
}

test_a_batch_ends_with_any_exit_code_that_there_is() {
  local code
  for code in $(seq 0 255); do
    expect_equal "$(status_of "exit $code")" "$code" "status of a job that exits with $code"
  done
}

test_a_batch_ends_with_128_and_any_signal_that_ends_a_process() {
  local signal
  # All but CHLD, CONT, URG and WINCH, which are ignored, and those that stop.
  for signal in $(seq 1 16) $(seq 24 27) $(seq 29 31) 34 64; do
    expect_equal "$(status_of "ulimit -c 0; kill -$signal \$\$")" $((128 + signal)) "status of a job that signal $signal kills"
  done
}

test_a_killed_service_is_started_again() {
  start_kestrel <<'YAML'
exec:
  - {name: web, command: /bin/sleep, args: ["1000"], restart: {backoff: {initial: 10ms}}}
YAML
  await_state web running
  local before
  before=$(service web .pid)
  kill -KILL "$(children_of "$kestrel")"
  wait_until 10 is_running_as_another web "$before"
  expect_equal "$(service web .restarts)" 1
  expect_equal "$(service web '.exits[-1] | "\(.cause) \(.signal)"')" "signal 9"
}

test_a_missing_program_fails_at_once_with_stage_and_cause_and_is_not_tried_again() {
  start_kestrel <<'YAML'
exec:
  - {name: gone, command: /nonexistent/program}
  - {name: other, command: /bin/sleep, args: ["1000"]}
YAML
  await_state gone failed
  await_state other running
  expect_contains "$(service gone .reason)" "exec"
  expect_contains "$(service gone .reason)" "No such file or directory"
  expect_equal "$(service gone .restarts)" 0
  expect_equal "$(grep -c 'service.starting gone' log)" 1
}

test_a_program_that_may_not_be_executed_says_so() {
  echo "#!/bin/sh" >plain
  start_kestrel <<YAML
exec:
  - {name: plain, command: $T/plain}
  - {name: other, command: /bin/sleep, args: ["1000"]}
YAML
  await_state plain failed
  expect_contains "$(service plain .reason)" "Permission denied"
}

test_an_exit_that_means_a_configuration_error_is_not_tried_again() {
  start_kestrel <<'YAML'
exec:
  - {name: wrong, command: /bin/sh, args: ["-c", "exit 78"]}
  - {name: other, command: /bin/sleep, args: ["1000"]}
YAML
  await_state wrong failed
  expect_equal "$(grep -c 'service.starting wrong' log)" 1
}

test_ten_thousand_orphans_are_reaped_and_none_stays_a_zombie() {
  start_kestrel <<YAML
exec:
  - {name: orphans, command: $BUILD/support/orphans, args: ["10000"]}
YAML
  wait_until 50 log_has "[orphans] done"
  no_zombies() { [ "$(zombies)" = 0 ]; }
  wait_until 10 no_zombies
  expect_equal "$(service orphans .state)" running
}

test_a_zombie_would_be_seen() {
  # The control to the test above: a parent that reaps nothing.
  sh -c 'true & exec sleep 1000' &
  one_zombie() { [ "$(zombies)" = 1 ]; }
  wait_until 10 one_zombie
}

test_exits_are_not_lost_when_many_services_end_at_once() {
  local i
  {
    echo "exec:"
    for i in $(seq 200); do
      echo "  - {name: job$i, command: /bin/sh, args: ['-c', 'exit $((i % 2))'], run_once: true}"
    done
  } >many.yaml
  run_kestrel <many.yaml
  expect_equal "$(events | grep -c '^job.completed')" 100
  expect_equal "$(events | grep -c '^service.failed')" 100
  expect_equal "$status" 1
}

harness_main "$@"
