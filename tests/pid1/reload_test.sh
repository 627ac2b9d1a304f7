#!/bin/bash
# Following another configuration: what goes on, what is restarted, what is refused.
source "$(dirname "$0")/../support/harness.sh"
source "$(dirname "$0")/kestrel.sh"

reload() { "$BUILD/kestrel" reload --api "unix:$T/api.sock" "$@"; }

pid_of() { service "$1" .pid; }
has_reloaded() { [ "$(events | grep -c '^vm.reloaded')" = "$1" ]; }
is_running_as_another() { [ "$(service "$1" .state)" = running ] && [ "$(pid_of "$1")" != "$2" ]; }
is_gone() { ! service "$1" .state; }

# web and db, both sleeping.
start_two() {
  start_kestrel <<'YAML'
exec:
  - {name: web, command: /bin/sleep, args: ["1000"]}
  - {name: db, command: /bin/sleep, args: ["2000"]}
YAML
  await_state web running
  await_state db running
  web=$(pid_of web) db=$(pid_of db)
}

test_a_reload_without_a_change_keeps_every_process() {
  start_two
  expect_equal "$(reload config.yaml)" "nothing changes"
  wait_until 10 has_reloaded 1
  expect_equal "$(pid_of web) $(pid_of db)" "$web $db"
  expect_equal "$(events | grep -c '^service.stopping' || true)" 0
}

test_services_in_another_order_keep_their_processes_and_are_told_apart() {
  start_two
  cat >config.yaml <<'YAML'
exec:
  - {name: db, command: /bin/sleep, args: ["2000"]}
  - {name: web, command: /bin/sleep, args: ["1000"]}
YAML
  expect_equal "$(reload config.yaml)" "nothing changes"
  wait_until 10 has_reloaded 1
  expect_equal "$(pid_of web) $(pid_of db)" "$web $db"
  api /v1/services/db/restart --request POST >/dev/null
  wait_until 10 is_running_as_another db "$db"
  expect_equal "$(pid_of web)" "$web"
}

test_what_is_no_part_of_a_process_changes_without_a_restart() {
  start_two
  cat >config.yaml <<YAML
exec:
  - name: web
    command: /bin/sleep
    args: ["1000"]
    restart: {policy: never}
    stop: {timeout: 2s}
    log: {ring: 64K, file: $T/web.log}
    health: {exec: {command: /bin/true, interval: 10ms}}
  - {name: db, command: /bin/sleep, args: ["2000"], depends_on: [web]}
YAML
  reload config.yaml >plan
  expect_contains "$(cat plan)" "update   web   its restart, stop, health and log changed"
  expect_contains "$(cat plan)" "update   db    its depends_on changed"
  wait_until 10 has_reloaded 1
  is_healthy() { [ "$(service web .health)" = healthy ]; }
  wait_until 10 is_healthy
  expect_equal "$(pid_of web) $(pid_of db)" "$web $db"
}

test_lines_of_a_process_that_goes_on_go_to_its_new_log_file() {
  mkfifo fifo
  start_kestrel <<YAML
exec:
  - name: web
    command: /bin/sh
    args: ["-c", "while read line; do echo got \$line; done <>$T/fifo"]
YAML
  echo early >fifo
  wait_until 10 log_has "[web] got early"
  echo "    log: {file: $T/web.log}" >>config.yaml
  reload config.yaml >/dev/null
  wait_until 10 has_reloaded 1
  echo late >fifo
  wait_until 10 grep -q 'stdout got late$' web.log
  expect_lacks "$(cat web.log)" early
}

test_a_changed_command_restarts_that_service_alone() {
  start_two
  sed -i 's/1000/1001/' config.yaml
  expect_equal "$(reload config.yaml)" "restart   web   its args changed"
  wait_until 10 is_running_as_another web "$web"
  expect_equal "$(pid_of db)" "$db"
  expect_contains "$(ps --no-headers -o args --ppid "$kestrel")" "sleep 1001"
}

test_a_removed_service_is_stopped_and_an_added_one_started() {
  start_two
  sed -i 's/name: web/name: new/' config.yaml
  reload config.yaml >plan
  expect_contains "$(cat plan)" "remove   web   it is no longer configured"
  expect_contains "$(cat plan)" "add      new   it is new"
  wait_until 10 is_gone web
  await_state new running
  expect_equal "$(pid_of db)" "$db"
  expect_equal "$(children_of "$kestrel" | wc -l)" 2
  expect_contains "$(events)" "service.stopped web"
}

test_an_invalid_configuration_changes_nothing_and_all_its_problems_are_told() {
  start_two
  local digest
  digest=$(api /v1/info | jq -r .config_digest)
  cat >config.yaml <<'YAML'
exec:
  - {name: web, comand: /bin/sleep}
  - {name: db, command: /bin/sleep, depends_on: [wev]}
YAML
  expect_status 1 reload config.yaml 2>problems
  "$BUILD/kestrel" check config.yaml 2>checked || true
  expect_equal "$(cat problems)" "$(cat checked)"
  expect_contains "$(cat problems)" "config.yaml:2:"
  expect_contains "$(cat problems)" "config.yaml:3:"
  expect_equal "$(pid_of web) $(pid_of db)" "$web $db"
  expect_equal "$(api /v1/info | jq -r .config_digest)" "$digest"
}

test_a_dry_run_shows_the_plan_and_changes_nothing() {
  start_two
  sed -i -e 's/1000/1001/' -e 's/name: db/name: new/' config.yaml
  reload --dry-run config.yaml >plan
  expect_contains "$(cat plan)" "restart   web   its args changed"
  expect_contains "$(cat plan)" "a dry run"
  reload --dry-run -o json config.yaml | jq --exit-status '.plan.removed == ["db"] and .plan.added == ["new"]' >/dev/null
  expect_equal "$(pid_of web) $(pid_of db)" "$web $db"
  expect_equal "$(events | grep -c '^vm.reloaded' || true)" 0
}

test_a_service_that_backs_off_is_started_at_once_with_what_is_new() {
  start_kestrel <<'YAML'
exec:
  - {name: web, command: /bin/false, restart: {backoff: {initial: 30s}}}
  - {name: db, command: /bin/sleep, args: ["2000"]}
YAML
  await_state web backing_off
  sed -i 's|/bin/false|/bin/sleep, args: ["1000"]|' config.yaml
  reload config.yaml >/dev/null
  await_state web running
}

test_a_service_that_failed_for_good_is_mended_by_a_reload() {
  start_kestrel <<'YAML'
exec:
  - {name: web, command: /nonexistent}
  - {name: db, command: /bin/sleep, args: ["2000"], depends_on: [web]}
YAML
  await_state db blocked
  sed -i 's|/nonexistent|/bin/sleep, args: ["1000"]|' config.yaml
  reload config.yaml >/dev/null
  await_state db running
}

test_a_second_reload_waits_for_nobody_and_is_refused() {
  start_kestrel <<'YAML'
exec:
  - {name: slow, command: /bin/sh, args: ["-c", "trap '' TERM; echo deaf; while :; do sleep 1; done"], stop: {timeout: 50s}}
  - {name: db, command: /bin/sleep, args: ["2000"]}
YAML
  wait_until 10 log_has "[slow] deaf"
  sed '/slow/d' config.yaml >without.yaml
  reload without.yaml >/dev/null
  expect_status 1 reload config.yaml 2>refused
  expect_contains "$(cat refused)" "another reload is under way"
  expect_contains "$(api /v1/services/db/stop --request POST || true)" "a reload is under way"
  kill -KILL "$(pgrep --parent "$kestrel" --full deaf)"
  wait_until 10 has_reloaded 1
  is_gone slow
}

test_a_reload_that_counts_on_another_configuration_is_refused() {
  start_two
  local digest
  digest=$(api /v1/info | jq -r .config_digest)
  expect_equal "$(api /v1/config | cmp - config.yaml)" ""
  sed -i 's/1000/1001/' config.yaml
  api /v1/config --upload-file config.yaml --header "If-Match: \"$digest\"" >/dev/null
  wait_until 10 is_running_as_another web "$web"
  expect_equal "$(api /v1/config | cmp - config.yaml)" ""
  api /v1/config --upload-file config.yaml --header "If-Match: \"$digest\"" >refused 2>/dev/null || true
  expect_equal "$(jq .status refused)" 412
}

test_hang_up_reloads_the_file() {
  start_two
  sed -i 's/1000/1001/' config.yaml
  kill -HUP "$kestrel"
  wait_until 10 is_running_as_another web "$web"
  expect_equal "$(pid_of db)" "$db"
  expect_contains "$(cat log)" "reload of config.yaml: restarts web"
}

test_hang_up_with_an_invalid_file_logs_its_problems_and_changes_nothing() {
  start_two
  echo 'exec: [{name: web, comand: x}]' >config.yaml
  kill -HUP "$kestrel"
  wait_until 10 log_has "config.yaml:1:"
  rm config.yaml
  kill -HUP "$kestrel"
  wait_until 10 log_has "cannot open config.yaml"
  expect_equal "$(pid_of web) $(pid_of db)" "$web $db"
}

test_a_shutdown_ends_a_reload_that_is_under_way() {
  start_kestrel <<'YAML'
exec:
  - {name: slow, command: /bin/sh, args: ["-c", "trap '' TERM; echo deaf; while :; do sleep 1; done"], stop: {timeout: 1s}}
YAML
  wait_until 10 log_has "[slow] deaf"
  sed 's/name: slow/name: other/' config.yaml >other.yaml
  reload other.yaml >/dev/null
  kill -TERM "$kestrel"
  await_end
  expect_equal "$status" 0
  expect_lacks "$(events)" "service.starting other"
}

harness_main "$@"
