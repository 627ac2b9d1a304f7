#!/bin/bash
# The wall clock of a guest is set while it runs.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
time_limit=240

# What the guest's clock is set to, by a job that an operator starts: SETTER EXPRESSION, in seconds of the epoch, of $now.
setter() {
  printf '  - {name: %s, run_once: true, schedule: "0 0 29 2 *", command: /bin/sh, args: ["-c", "now=$(date +%%s); date -s @$((%s))"]}\n' "$1" "$2"
}
clock_image() {
  local applet
  mkdir -p "$T/clock.root/bin"
  for applet in date tail; do ln -sf busybox "$T/clock.root/bin/$applet"; done
  {
    cat
    setter ahead 'now + 3600'
    setter back 'now - 3600'
    setter before_the_hour 'now - now % 3600 + 3598'
  } | build_image clock
}
start() { ask_guest "/v1/services/$1/start" -X POST >reply; }
has_ended() { [ "$(service "$1" '.exits | length')" -ge "${2:-1}" ]; }
set_clock() {
  local before
  before=$(service "$1" '.exits | length')
  start "$1"
  wait_until 20 has_ended "$1" $((before + 1))
}
has_runs() { [ "$(service hourly '.runs | length')" = "$1" ]; }

test_a_clock_that_jumps_an_hour_either_way_moves_no_timer() {
  clock_image <<'CONFIG'
exec:
  - {name: stay, command: /bin/sleep, args: ["100000"], health: {exec: {command: /bin/seq, args: ["1"], interval: 200ms}}}
  - {name: patient, command: /bin/sh, args: ["-c", "echo run; exit 3"], restart: {backoff: {initial: 4s, max: 4s, jitter: 0}}}
CONFIG
  start_vm_up
  local way before
  for way in ahead back; do
    wait_until 20 has_long_to_wait
    before=$(service patient .restarts)
    set_clock "$way"
    # Not early: it waits for what was left of its delay. Nor does it stall.
    expect_equal "$(service patient .restarts)" "$before" "restarts right after the clock went $way"
    has_restarted() { [ "$(service patient .restarts)" -gt "$before" ]; }
    wait_until 20 has_restarted
    checks_go_on "$way"
  done
  expect_equal "$(service stay '.exits | length')" 0 "ends of the service"
  # Each delay was four seconds of the time that passes, whatever the clock said.
  ask_guest /v1/events | jq -s -e '[.[] | select(.service == "patient" and .type == "service.starting") | .mono_ms]
    | [range(1; length) as $i | .[$i] - .[$i - 1]] | all(. >= 4000 and . < 9000)' >checked || fail "delays: $(ask_guest /v1/events)"
}
start_vm_up() {
  launch_vm clock "$T/clock"
  wait_until 60 answers
}
answers() { ask_guest /v1/info || ! kill -0 "$runner"; }
has_long_to_wait() { [ "$(service patient .next_start_ms)" -gt 2500 ]; }
checks_go_on() {
  local last
  last=$(service stay '.checks[0].last.time')
  has_other_result() { [ "$(service stay '.checks[0].last.time')" != "$last" ] && [ "$(service stay .health)" = healthy ]; }
  wait_until 20 has_other_result
}

test_a_schedule_follows_the_clock_that_is_set_and_its_runs_may_go_on_side_by_side() {
  clock_image <<'CONFIG'
exec:
  - {name: stay, command: /bin/sleep, args: ["100000"]}
  - {name: hourly, schedule: "@hourly", concurrency: allow, command: /bin/sleep, args: ["100000"]}
CONFIG
  start_vm_up
  set_clock before_the_hour
  wait_until 30 has_runs 1
  # Past a due time by an hour's jump: due at once, and once.
  set_clock ahead
  wait_until 10 has_runs 2
  # Back: what was due is due again when the clock shows it again, and not before.
  set_clock back
  has_runs 2 || fail "a run began early"
  set_clock before_the_hour
  wait_until 30 has_runs 3
  expect_equal "$(service hourly '[.runs[].pid] | unique | length')" 3 "processes"
  expect_equal "$(service hourly .state)" running
  ask_guest /v1/services/hourly/stop -X POST >reply
  is_stopped() { [ "$(service hourly .state)" = stopped ]; }
  wait_until 20 is_stopped
  expect_equal "$(service hourly '.runs | length')" 0 "runs after the stop"
  expect_equal "$(service hourly '[.exits[].cause] | unique | join(",")')" stop
  stop_vm
  expect_equal "$status" 0 "exit status"
}

harness_main "$@"
