#!/bin/bash
# Services that run by the clock.
source "$(dirname "$0")/../support/harness.sh"
source "$(dirname "$0")/kestrel.sh"

post() { api "/v1/services/$1/$2" -X POST; }

test_a_scheduled_service_waits_for_its_time_and_says_when_that_is() {
  start_kestrel <<'YAML'
exec:
  - {name: backup, command: /bin/echo, args: [never], schedule: "@hourly"}
YAML
  await_state backup waiting
  expect_equal "$(service backup .kind)" scheduled
  local left due
  left=$(service backup .next_start_ms)
  due=$(date -d "$(service backup '.reason | ltrimstr("due at ")')" +%s)
  expect_equal "$((due % 3600))" 0
  [ "$left" -gt 0 ] && [ "$left" -le 3600000 ] || fail "next start is in $left ms"
  expect_lacks "$(events)" "service.starting backup"
}

test_a_schedule_is_read_in_its_time_zone() {
  [ -e /usr/share/zoneinfo/Asia/Kolkata ] || skip "no time zones here"
  start_kestrel <<'YAML'
exec:
  - {name: utc, command: /bin/true, schedule: "0 2 * * *"}
  - {name: kolkata, command: /bin/true, schedule: "0 2 * * *", timezone: Asia/Kolkata}
YAML
  await_state kolkata waiting
  expect_contains "$(service utc .reason)" "T02:00:00"
  expect_contains "$(service kolkata .reason)" "T20:30:00"
}

test_a_time_zone_that_is_not_there_fails_the_service_and_says_why() {
  start_kestrel <<'YAML'
exec:
  - {name: lost, command: /bin/true, schedule: "0 2 * * *", timezone: Nowhere/Land}
  - {name: other, command: /bin/sleep, args: ["1000"]}
YAML
  await_state lost failed
  expect_contains "$(cat log)" "Nowhere/Land"
}

test_an_operator_can_start_a_scheduled_service_before_its_time() {
  start_kestrel <<YAML
exec:
  - name: backup
    command: /bin/sh
    args: ["-c", "echo ran; until [ -e $T/go ]; do sleep 0.02; done"]
    schedule: "0 0 29 2 *"
YAML
  await_state backup waiting
  expect_equal "$(post backup start)" '{"changed":["backup"]}'
  await_state backup running
  expect_equal "$(post backup start)" '{"changed":[]}'
  touch go
  await_state backup waiting
  expect_contains "$(service backup .reason)" "02-29T00:00:00"
  expect_contains "$(events)" "job.completed backup"
  expect_equal "$(grep -c '^\[backup\] ran' log)" 1
}

test_a_scheduled_service_that_was_stopped_is_not_due_until_it_is_started() {
  start_kestrel <<'YAML'
exec:
  - {name: backup, command: /bin/true, schedule: "@hourly"}
  - {name: other, command: /bin/sleep, args: ["1000"]}
YAML
  await_state backup waiting
  post backup stop >reply
  await_state backup stopped
  expect_equal "$(service backup .next_start_ms)" null
  post backup start >reply
  await_state backup waiting
  expect_contains "$(events)" "job.completed backup"
}

test_a_run_that_failed_is_not_repeated_before_the_next_time() {
  start_kestrel <<'YAML'
exec:
  - {name: backup, command: /bin/false, schedule: "@hourly", restart: never}
YAML
  await_state backup waiting
  post backup start >reply
  failed() { [ "$(service backup '.exits | length')" = 1 ]; }
  wait_until 20 failed
  await_state backup waiting
  expect_contains "$(service backup .reason)" "due at"
}

test_kestrel_goes_on_while_anything_is_scheduled() {
  start_kestrel <<'YAML'
exec:
  - {name: once, command: /bin/true, run_once: true}
  - {name: backup, command: /bin/true, schedule: "@hourly", run_once: true}
YAML
  await_state once completed
  await_state backup waiting
  expect_lacks "$(events)" "vm.stopping"
}

harness_main "$@"
