#!/bin/bash
# The way down: order, patience, and that nothing is left.
source "$(dirname "$0")/../support/harness.sh"
source "$(dirname "$0")/kestrel.sh"

test_sigterm_stops_everything_in_reverse_order_and_ends_with_0() {
  start_kestrel <<'YAML'
exec:
  - {name: database, command: /bin/sleep, args: ["1000"]}
  - {name: api, command: /bin/sleep, args: ["1000"], depends_on: [database]}
  - {name: proxy, command: /bin/sleep, args: ["1000"], depends_on: [api]}
YAML
  await_state proxy running
  kill -TERM "$kestrel"
  await_end
  expect_equal "$status" 0
  expect_equal "$(events | grep -E '^service.stop' | cut -d ' ' -f 1-2)" "service.stopping proxy
service.stopped proxy
service.stopping api
service.stopped api
service.stopping database
service.stopped database"
}

test_sigint_does_the_same() {
  start_kestrel <<'YAML'
exec:
  - {name: web, command: /bin/sleep, args: ["1000"]}
YAML
  await_state web running
  kill -INT "$kestrel"
  await_end
  expect_equal "$status" 0
  expect_contains "$(events)" "service.stopped web"
}

test_sigpwr_which_containers_are_sent_does_the_same() {
  start_kestrel <<'YAML'
exec:
  - {name: web, command: /bin/sleep, args: ["1000"]}
YAML
  await_state web running
  kill -PWR "$kestrel"
  await_end
  expect_equal "$status" 0
  expect_contains "$(events)" "service.stopped web"
}

test_the_stop_signal_reaches_every_process_of_the_service() {
  start_kestrel <<YAML
exec:
  - name: web
    command: /bin/sh
    args:
      - -c
      - |
        sh -c 'trap "echo child has it; exit 0" TERM; echo child armed; while :; do sleep 0.05; done' &
        trap 'wait; exit 0' TERM
        echo parent armed
        while :; do sleep 0.05; done
    stop: {timeout: 1h}
YAML
  wait_until 10 log_has "[web] child armed"
  wait_until 10 log_has "[web] parent armed"
  kill -TERM "$kestrel"
  await_end
  expect_contains "$(cat log)" "[web] child has it"
}

test_a_process_that_was_stopped_in_its_tracks_gets_to_its_stop_signal() {
  start_kestrel <<'YAML'
exec:
  - name: web
    command: /bin/sh
    args: ["-c", "trap 'echo bye; exit 0' TERM; echo armed; while :; do sleep 0.05; done"]
    stop: {timeout: 1h}
YAML
  wait_until 10 log_has "[web] armed"
  api /v1/services/web/signal --data '{"signal":"STOP"}' >/dev/null
  is_halted() { [ "$(ps --no-headers -o stat --ppid "$kestrel" | cut -c 1)" = T ]; }
  wait_until 10 is_halted
  kill -TERM "$kestrel"
  await_end
  expect_contains "$(cat log)" "[web] bye"
}

test_a_process_that_ignores_its_stop_signal_is_killed_after_its_timeout() {
  start_kestrel <<'YAML'
exec:
  - name: stubborn
    command: /bin/sh
    args: ["-c", "trap '' TERM; echo armed; while :; do sleep 1000; done"]
    stop: {timeout: 300ms}
YAML
  wait_until 10 log_has "[stubborn] armed"
  kill -TERM "$kestrel"
  await_end
  expect_equal "$status" 0
  expect_contains "$(events | grep 'service.exited stubborn')" "SIGKILL"
}

test_the_stop_signal_is_the_one_that_was_asked_for() {
  start_kestrel <<'YAML'
exec:
  - name: web
    command: /bin/sh
    args: ["-c", "trap 'echo got usr1; exit 0' USR1; echo armed; while :; do sleep 0.05; done"]
    stop: {signal: USR1, timeout: 20s}
YAML
  wait_until 10 log_has "[web] armed"
  kill -TERM "$kestrel"
  await_end
  expect_contains "$(cat log)" "[web] got usr1"
}

# leftovers PATTERN: the processes in kestrel's namespace whose command line matches.
leftovers() { pgrep -f -- "$1" || true; }
is_gone() { [ -z "$(leftovers "$1")" ]; }

test_a_daemon_that_forked_away_does_not_survive_the_stop_of_its_service() {
  start_kestrel <<'YAML'
exec:
  - name: daemon
    command: /bin/sh
    args: ["-c", "(setsid sleep 4242 &); echo forked; exec sleep 1000"]
  - {name: other, command: /bin/sleep, args: ["1000"]}
YAML
  wait_until 10 log_has "[daemon] forked"
  api /v1/services/daemon/stop --request POST >/dev/null
  await_state daemon stopped
  wait_until 10 is_gone "sleep 4242"
  expect_equal "$(service other .state)" running
}

test_what_a_service_left_behind_is_gone_before_it_is_started_again() {
  start_kestrel <<'YAML'
exec:
  - name: web
    command: /bin/sh
    args: ["-c", "pgrep -f 'sleep 4343'; sleep 4343 & echo started; exec sleep 1000"]
    restart: {backoff: {initial: 10ms}}
YAML
  wait_until 10 log_has "[web] started"
  kill -KILL "$(pgrep -f 'sleep 1000')"
  restarted() { [ "$(grep -cF '[web] started' log)" = 2 ]; }
  wait_until 10 restarted
  expect_equal "$(leftovers 'sleep 4343' | wc -l)" 1
}

test_the_children_of_a_service_end_with_it() {
  start_kestrel <<'YAML'
exec:
  - name: shell
    command: /bin/sh
    args: ["-c", "sleep 4444 & sleep 4444 & echo up; wait"]
  - {name: other, command: /bin/sleep, args: ["1000"]}
YAML
  wait_until 10 log_has "[shell] up"
  api /v1/services/shell/stop --request POST >/dev/null
  await_state shell stopped
  wait_until 10 is_gone "sleep 4444"
}

test_a_second_sigterm_does_not_disturb_the_stop() {
  start_kestrel <<'YAML'
exec:
  - name: slow
    command: /bin/sh
    args: ["-c", "trap 'sleep 0.3; echo bye; exit 0' TERM; echo armed; while :; do sleep 0.05; done"]
YAML
  wait_until 10 log_has "[slow] armed"
  kill -TERM "$kestrel"
  kill -TERM "$kestrel"
  await_end
  expect_equal "$status" 0
  expect_contains "$(cat log)" "[slow] bye"
}

harness_main "$@"
