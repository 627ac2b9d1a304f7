#!/bin/bash
# When a service counts as ready, and what it says of itself.
source "$(dirname "$0")/../support/harness.sh"
source "$(dirname "$0")/kestrel.sh"

client=$BUILD/support/notify_client

has_line() { log_has "[$1] $2"; }
status_is() { [ "$(service "$1" .status)" = "$2" ]; }
pid_is_of() { [ "$(service "$1" .pid)" != null ] && grep -qF "$2" "/proc/$(host_pid "$1")/cmdline"; }
# The pid that we know, of a service's main process.
host_pid() {
  local inner candidate
  inner=$(service "$1" .pid)
  for candidate in $(pgrep --ns "$kestrel" --nslist pid); do
    [ "$(awk '/^NSpid/ {print $NF}' "/proc/$candidate/status")" = "$inner" ] && echo "$candidate" && return
  done
}

test_a_dependent_starts_when_the_service_says_READY_and_not_before() {
  start_kestrel <<YAML
exec:
  - name: web
    command: /bin/sh
    args: ["-c", "until [ -e $T/go ]; do sleep 0.02; done; $client READY=1; exec sleep 1000"]
    ready: {notify: true}
  - {name: after, command: /bin/sleep, args: ["1000"], depends_on: [web]}
YAML
  await_state web starting
  expect_equal "$(service web .ready)" false
  expect_equal "$(service after .state)" waiting
  touch go
  await_state after running
  expect_equal "$(service web .ready)" true
  expect_contains "$(events)" "service.ready web"
}

test_a_stranger_cannot_make_a_service_ready() {
  start_kestrel <<YAML
exec:
  - name: web
    command: /bin/sh
    args: ["-c", "echo \$NOTIFY_SOCKET >$T/address; exec sleep 1000"]
    ready: {notify: true}
  - name: stranger
    command: /bin/sh
    args: ["-c", "until [ -s $T/address ]; do sleep 0.02; done; $client --to \$(cat $T/address) --keep 3 READY=1 STATUS=hacked; echo sent; exec sleep 1000"]
YAML
  wait_until 20 has_line stranger sent
  expect_equal "$(service web '"\(.state) \(.status)"')" "starting null"
  expect_equal "$(grep -c 'web: a message of process .* is ignored' log)" 1
}

test_what_a_service_says_of_itself_shows_in_the_api() {
  start_kestrel <<YAML
exec:
  - name: web
    command: /bin/sh
    args: ["-c", "$client READY=1 'STATUS=3 of 4 workers'; until [ -e $T/go ]; do sleep 0.02; done; $client RELOADING=1; exec sleep 1000"]
    ready: {notify: true}
YAML
  wait_until 20 status_is web "3 of 4 workers"
  touch go
  wait_until 20 status_is web reloading
}

test_MAINPID_makes_a_daemon_the_main_process_although_its_parent_ends() {
  start_kestrel <<YAML
exec:
  - name: daemon
    command: $client
    args: [--as-main, READY=1]
    ready: {notify: true}
    restart: {backoff: {initial: 10ms, max: 10ms}}
  - {name: other, command: /bin/sleep, args: ["1000"]}
YAML
  await_state daemon running
  local first
  first=$(service daemon .pid)
  expect_equal "$(service daemon '.exits | length')" 0
  kill -USR1 "$(host_pid daemon)"
  restarted() { [ "$(service daemon .restarts)" = 1 ] && [ "$(service daemon .state)" = running ]; }
  wait_until 20 restarted
  expect_equal "$(service daemon '.exits[-1] | "\(.cause) \(.signal)"')" "signal 10"
  [ "$(service daemon .pid)" != "$first" ] || fail "the pid is still $first"
}

test_of_a_main_process_that_another_one_waits_for_no_exit_status_is_made_up() {
  start_kestrel <<YAML
exec:
  - name: daemon
    command: /bin/sh
    args: ["-c", "(sleep 0.5; exit 7) & $client READY=1 MAINPID=\$!; wait; exec sleep 1000"]
    ready: {notify: true}
    restart: never
  - {name: other, command: /bin/sleep, args: ["1000"]}
YAML
  await_state daemon completed
  expect_equal "$(service daemon '.exits[-1] | "\(.cause) \(.code) \(.signal)"')" "exit null 0"
  expect_contains "$(events)" "ended, and another process took its exit status"
}

test_MAINPID_of_another_service_is_refused() {
  start_kestrel <<YAML
exec:
  - name: other
    command: /bin/sh
    args: ["-c", "echo \$\$ >$T/pid; exec sleep 1000"]
  - name: web
    command: /bin/sh
    args: ["-c", "until [ -s $T/pid ]; do sleep 0.02; done; $client READY=1 MAINPID=\$(cat $T/pid); exec sleep 1000"]
    ready: {notify: true}
YAML
  await_state web running
  [ "$(service web .pid)" != "$(service other .pid)" ] || fail "web has the pid of other"
  expect_contains "$(cat log)" "does not belong to the service"
}

test_a_watchdog_that_is_not_fed_restarts_the_service() {
  start_kestrel <<YAML
exec:
  - name: web
    command: /bin/sh
    args: ["-c", "$client READY=1 WATCHDOG_USEC=200000; exec sleep 1000"]
    ready: {notify: true}
    restart: {backoff: {initial: 10ms}}
YAML
  restarted() { [ "$(service web .restarts)" -ge 1 ]; }
  wait_until 20 restarted
  expect_contains "$(events)" "no sign of life within 200ms"
}

test_a_watchdog_that_is_fed_leaves_the_service_alone() {
  start_kestrel <<YAML
exec:
  - name: web
    command: /bin/sh
    args: ["-c", "$client READY=1 WATCHDOG_USEC=5000000; $client --keep 10 WATCHDOG=1; echo fed; exec sleep 1000"]
    ready: {notify: true}
YAML
  wait_until 20 has_line web fed
  expect_equal "$(service web '"\(.state) \(.restarts)"')" "running 0"
}

test_a_service_can_ask_for_more_time_to_start() {
  start_kestrel <<YAML
exec:
  - name: web
    command: /bin/sh
    args: ["-c", "$client EXTEND_TIMEOUT_USEC=30000000; sleep 1.5; $client READY=1; exec sleep 1000"]
    ready: {notify: true}
    start_timeout: 1s
YAML
  await_state web running
  expect_equal "$(service web '.exits | length')" 0
}

test_a_service_that_is_not_ready_in_time_is_stopped_and_tried_again() {
  start_kestrel <<'YAML'
exec:
  - name: web
    command: /bin/sleep
    args: ["1000"]
    ready: {notify: true}
    start_timeout: 100ms
    restart: {backoff: {initial: 10ms}}
YAML
  restarted() { [ "$(service web .restarts)" -ge 1 ]; }
  wait_until 20 restarted
  expect_equal "$(service web '.exits[0].cause')" start_timeout
  expect_contains "$(events)" "service.stopping web: not ready in time"
}

test_a_newline_on_the_notification_descriptor_is_readiness() {
  start_kestrel <<YAML
exec:
  - name: web
    command: /bin/sh
    args: ["-c", "ls -l /proc/\$\$/fd; until [ -e $T/go ]; do sleep 0.02; done; echo >&5; exec 5>&-; exec sleep 1000"]
    ready: {fd: 5}
  - {name: after, command: /bin/sh, args: ["-c", "ls /proc/\$\$/fd; exec sleep 1000"], depends_on: [web]}
YAML
  await_state web starting
  expect_equal "$(service after .state)" waiting
  touch go
  await_state after running
  wait_until 20 has_line after 2
  expect_contains "$(cat log)" "5 -> pipe"
  expect_lacks "$(grep '^\[after\]' log)" "[after] 5"
  expect_lacks "$(grep '^\[web\]' log)" " 3 -> pipe"
}

test_a_notification_descriptor_closed_too_early_ends_the_start() {
  start_kestrel <<'YAML'
exec:
  - name: web
    command: /bin/sh
    args: ["-c", "exec 3>&-; exec sleep 1000"]
    ready: {fd: 3}
    restart: never
  - {name: other, command: /bin/sleep, args: ["1000"]}
YAML
  await_state web failed
  expect_contains "$(events)" "service.stopping web: it closed descriptor 3 without a word"
}

test_a_process_that_exits_before_it_is_ready_is_told_by_its_exit() {
  start_kestrel <<'YAML'
exec:
  - name: web
    command: /bin/sh
    args: ["-c", "exit 3"]
    ready: {fd: 3}
    restart: never
  - {name: other, command: /bin/sleep, args: ["1000"]}
YAML
  await_state web failed
  expect_equal "$(service web '.exits[0] | "\(.cause) \(.code)"')" "exit 3"
}

test_a_line_that_matches_is_readiness() {
  start_kestrel <<YAML
exec:
  - name: web
    command: /bin/sh
    args: ["-c", "echo not listening; until [ -e $T/go ]; do sleep 0.02; done; echo 'listening on 80' >&2; exec sleep 1000"]
    ready: {log: '^listening on [0-9]+'}
YAML
  wait_until 20 has_line web "not listening"
  expect_equal "$(service web .state)" starting
  touch go
  await_state web running
}

test_a_port_that_accepts_is_readiness() {
  start_kestrel <<YAML
exec:
  - name: web
    command: /bin/sh
    args: ["-c", "until [ -e $T/go ]; do sleep 0.02; done; exec python3 -m http.server --bind 127.0.0.1 18497"]
    ready: {tcp: 18497}
YAML
  await_state web starting
  touch go
  await_state web running
}

test_a_process_does_not_inherit_the_socket_that_kestrel_itself_was_given() {
  export NOTIFY_SOCKET=/run/systemd/notify WATCHDOG_USEC=1
  run_job "" "env"
  expect_lacks "$printed" NOTIFY_SOCKET
  expect_lacks "$printed" WATCHDOG_USEC
}

harness_main "$@"
