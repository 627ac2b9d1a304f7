#!/bin/bash
# When what was reached: of the real binary, told by its API and shown by kestrelctl.
source "$(dirname "$0")/../support/harness.sh"
source "$(dirname "$0")/kestrel.sh"

ask() { curl --silent --show-error --fail --unix-socket "$T/api.sock" "http://vm$1" "${@:2}"; }

start_shop() {
  start_kestrel <<'YAML'
exec:
  - {name: migrate, command: /bin/true, run_once: true}
  - name: api
    command: /bin/sh
    args: ["-c", "echo listening; exec sleep 1000"]
    depends_on: [migrate]
    ready: {log: listening}
    health: {exec: {command: /bin/true}}
YAML
  is_healthy() { [ "$(service api .health)" = healthy ]; }
  wait_until 10 is_healthy
}

test_each_service_has_its_times_in_their_order() {
  start_shop
  ask /v1/timeline >timeline
  expect_equal "$(jq -c '[.services[].name]' timeline)" '["migrate","api"]'
  expect_equal "$(jq '[.services[1] | .starting_us, .started_us, .ready_us, .healthy_us] | . == sort and all' timeline)" true
  expect_equal "$(jq '.services[0].completed_us <= .services[1].starting_us' timeline)" true
  expect_equal "$(jq -c '[.boot[].name]' timeline)" '["run","services","ready","healthy"]'
  expect_equal "$(jq '[.boot[].at_us] | . == sort' timeline)" true
}

test_a_restart_does_not_change_the_times_of_the_first_start() {
  start_shop
  ask /v1/timeline >before
  ask /v1/services/api/signal --data '{"signal":"KILL"}' >answer
  restarted() { [ "$(service api .restarts)" = 1 ] && [ "$(service api .health)" = healthy ]; }
  wait_until 10 restarted
  ask /v1/timeline | cmp - before
}

test_the_event_of_the_ready_guest_has_the_boot() {
  start_shop
  expect_equal "$(ask /v1/events | jq -c 'select(.type == "vm.ready") | [.boot[].name]')" '["run","services","ready"]'
}

test_kestrelctl_shows_it_as_text_and_as_a_picture() {
  start_shop
  "$BUILD/kestrelctl" timeline "unix:$T/api.sock" >text
  expect_contains "$(cat text)" "STEP"
  expect_equal "$(awk '$1 == "migrate" { print NF }' text)" 7
  "$BUILD/kestrelctl" timeline "unix:$T/api.sock" --svg >picture
  expect_contains "$(head -n 2 picture)" "<svg xmlns"
  expect_contains "$(cat picture)" ">api ("
  expect_equal "$("$BUILD/kestrelctl" timeline "unix:$T/api.sock" -o json | jq -c '.services | length')" 2
}

harness_main "$@"
