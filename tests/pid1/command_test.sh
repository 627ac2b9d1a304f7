#!/bin/bash
# `kestrel run` as a command: its configuration, its log, its life outside a namespace.
source "$(dirname "$0")/../support/harness.sh"
source "$(dirname "$0")/kestrel.sh"

test_a_bad_configuration_ends_with_78_and_all_its_problems() {
  run_kestrel <<'YAML'
exec:
  - name: web
    comand: /bin/true
  - name: api
    command: /bin/true
    depends_on: [wev]
    restart: {policy: sometimes}
YAML
  expect_equal "$status" 78
  expect_contains "$(cat log)" "config.yaml:3:"
  expect_contains "$(cat log)" "command"
  expect_contains "$(cat log)" "config.yaml:6:"
  expect_contains "$(cat log)" "wev"
  expect_contains "$(cat log)" "config.yaml:7:"
  expect_contains "$(cat log)" "sometimes"
}

test_check_finds_the_same_problems_and_ends_with_1() {
  printf 'exec:\n  - {name: web, comand: /bin/true}\n' >bad.yaml
  local status=0
  "$BUILD/kestrel" check bad.yaml >checked 2>&1 || status=$?
  expect_equal "$status" 1
  "$BUILD/kestrel" run -c bad.yaml >/dev/null 2>ran || status=$?
  expect_equal "$status" 78
  expect_equal "$(grep -o 'bad.yaml:.*' ran)" "$(grep -o 'bad.yaml:.*' checked)"
}

test_a_missing_configuration_ends_with_78_and_names_the_file() {
  local status=0
  "$BUILD/kestrel" run -c "$T/none.yaml" 2>log || status=$?
  expect_equal "$status" 78
  expect_contains "$(cat log)" "none.yaml"
}

test_the_log_can_be_json_a_line() {
  run_kestrel --log-format json <<'YAML'
exec:
  - {name: job, command: /bin/echo, args: ['a "quoted" word'], run_once: true}
YAML
  jq --exit-status . log >/dev/null
  expect_contains "$(cat log)" 'a \"quoted\" word'
}

test_as_an_ordinary_process_it_adopts_and_reaps_orphans() {
  start_kestrel_as_process <<YAML
exec:
  - {name: orphans, command: $BUILD/support/orphans, args: ["100"]}
YAML
  wait_until 10 log_has "[orphans] done"
  no_zombies() { [ "$(zombies)" = 0 ]; }
  wait_until 10 no_zombies
}

test_as_an_ordinary_process_it_leaves_nothing_behind() {
  start_kestrel_as_process <<'YAML'
exec:
  - name: daemon
    command: /bin/sh
    args: ["-c", "(setsid sleep 4545 &); sleep 4545 & echo forked; exec sleep 1000"]
YAML
  wait_until 10 log_has "[daemon] forked"
  kill -TERM "$kestrel"
  await_end
  expect_equal "$status" 0
  expect_equal "$(ps --no-headers -eo args | grep -c 'sleep [14]' || true)" 0
  [ ! -e api.sock ] || fail "the API's socket is still there"
}

test_it_runs_without_stdin_stdout_and_stderr() {
  echo "exec: [{name: job, command: /bin/sh, args: ['-c', 'echo hello > $T/out; exit 5'], run_once: true}]" >config.yaml
  local status=0
  "$BUILD/kestrel" run -c config.yaml <&- >&- 2>&- || status=$?
  expect_equal "$status" 5
  expect_equal "$(cat out)" hello
}

harness_main "$@"
