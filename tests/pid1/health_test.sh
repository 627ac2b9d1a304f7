#!/bin/bash
# Health checks with real probes: as whom they run, what is left of them, and what follows from them.
source "$(dirname "$0")/../support/harness.sh"
source "$(dirname "$0")/kestrel.sh"

health_is() { [ "$(service "$1" .health)" = "$2" ]; }
has_failed_at_least() { [ "$(service "$1" '.checks[0].failures')" -ge "$2" ]; }

test_a_dependent_starts_when_the_check_of_its_dependency_has_passed_and_not_before() {
  start_kestrel <<YAML
exec:
  - name: db
    command: /bin/sleep
    args: ["1000"]
    health: {exec: {command: test, args: [-e, $T/healthy], start_interval: 20ms}}
  - {name: api, command: /bin/sleep, args: ["1000"], depends_on: [db]}
YAML
  await_state db running
  # Not the first run, which may have been under way before.
  has_tried() { [ "$(service db '.checks[0].last.ok')" = false ]; }
  wait_until 10 has_tried
  expect_equal "$(service api .state)" waiting
  expect_equal "$(service api .reason)" "waits for db to be healthy"
  touch healthy
  await_state api running
  health_is db healthy
}

test_a_probe_runs_with_the_user_environment_and_folder_of_its_service() {
  [ "$(id -u)" = 0 ] || skip "not root"
  mkdir folder
  chmod 777 . folder
  start_kestrel <<YAML
env: [{name: EVERYWHERE, value: all}]
exec:
  - name: web
    command: /bin/sleep
    args: ["1000"]
    user: nobody
    working_dir: $T/folder
    umask: 077
    env: [{name: OWN, value: mine}]
    health: {exec: {command: /bin/sh, args: ["-c", 'echo "\$(id -un) \$(pwd) \$USER \$EVERYWHERE \$OWN" >said']}}
health: {exec: {command: /bin/sh, args: ["-c", 'echo "\$(id -un) \$EVERYWHERE \${OWN-unset}" >$T/of-the-guest']}}
YAML
  wait_until 10 health_is web healthy
  expect_equal "$(cat folder/said)" "nobody $T/folder nobody all mine"
  expect_equal "$(stat -c '%U %a' folder/said)" "nobody 600"
  wait_until 10 test -s of-the-guest
  expect_equal "$(cat of-the-guest)" "root all unset"
}

test_a_probe_that_hangs_is_a_failure_and_killed_with_all_that_it_started() {
  start_kestrel <<'YAML'
exec:
  - name: web
    command: /bin/sleep
    args: ["1000"]
    health:
      exec:
        command: /bin/sh
        args: ["-c", "setsid sleep 5151 & sleep 5151"]
        timeout: 200ms
        interval: 1h
        start_period: 0
      on_failure: none
YAML
  wait_until 10 has_failed_at_least web 1
  expect_equal "$(service web '.checks[0].last.message')" "no result within 200ms"
  is_gone() { ! pgrep -f 'sleep 5151'; }
  wait_until 10 is_gone
  expect_equal "$(service web .state)" running
}

test_a_service_whose_check_fails_is_restarted_once_for_the_streak() {
  touch well
  start_kestrel <<YAML
exec:
  - name: web
    command: /bin/sh
    args: ["-c", "touch $T/well; exec sleep 1000"]
    restart: {backoff: {initial: 10ms}}
    health: {exec: {command: test, args: [-e, $T/well], interval: 20ms, start_interval: 20ms, failure_threshold: 2}}
YAML
  wait_until 10 health_is web healthy
  rm well
  has_restarted() { [ "$(service web .restarts)" = 1 ]; }
  wait_until 10 has_restarted
  wait_until 10 health_is web healthy
  expect_equal "$(service web '.exits | map(.cause) | join(" ")')" probe
  expect_equal "$(events | grep -c 'service.unhealthy web')" 1
}

test_a_check_that_may_end_the_guest_does() {
  start_kestrel <<'YAML'
exec:
  - {name: web, command: /bin/sleep, args: ["1000"]}
health:
  exec: {command: /bin/false, interval: 10ms, start_period: 0}
  on_failure: shutdown
YAML
  await_end
  expect_equal "$status" 1
  expect_contains "$(cat log)" "check 'exec' failed 3 times: /bin/false exited with 1"
}

test_successes_of_checks_are_not_logged() {
  start_kestrel <<YAML
exec:
  - name: web
    command: /bin/sleep
    args: ["1000"]
    health: {exec: {command: /bin/sh, args: ["-c", "echo run >>$T/runs"], interval: 10ms}}
YAML
  has_run_often() { [ "$(wc -l <runs)" -ge 10 ]; }
  wait_until 10 has_run_often
  expect_equal "$(grep -cF 'exited with 0' log || true)" 0
  expect_equal "$(grep -c web log)" 4 "the lines on web, which are starting, started, ready and healthy"
}

test_a_fleet_of_restarts_and_probes_leaves_no_descriptor_open() {
  start_kestrel <<'YAML'
exec:
  - name: web
    command: /bin/sh
    args: ["-c", "echo up; exec sleep 1000"]
    ready: {log: up}
    health: {exec: {command: /bin/echo, args: [fine], interval: 10ms}}
YAML
  wait_until 10 health_is web healthy
  open_files() { find "/proc/$kestrel/fd" -mindepth 1 | wc -l; }
  local before i
  before=$(open_files)
  for i in $(seq 30); do
    api /v1/services/web/restart --request POST >/dev/null
    await_state web running
  done
  wait_until 10 health_is web healthy
  # A probe and a caller may be under way.
  is_as_before() { [ "$(open_files)" -le "$before" ]; }
  wait_until 10 is_as_before
}

harness_main "$@"
