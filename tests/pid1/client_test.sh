#!/bin/bash
# The client: `kestrel status` and its kin against `kestrel run --api`.
source "$(dirname "$0")/../support/harness.sh"
source "$(dirname "$0")/kestrel.sh"

ask() { "$BUILD/kestrel" "$@" --api "unix:$T/api.sock"; }

# ask_in_vain STATUS ARGUMENTS...: leaves what it says in $said.
ask_in_vain() {
  local wanted=$1 status=0
  shift
  said=$(ask "$@" 2>&1 >/dev/null) || status=$?
  expect_equal "$status" "$wanted" "exit status of 'kestrel $*'"
}

start_shop() {
  start_kestrel <<YAML
exec:
  - {name: db, command: /bin/sleep, args: ["1000"]}
  - {name: api, command: /bin/sleep, args: ["1000"], depends_on: [db]}
  - {name: migrate, command: /bin/echo, args: [migrated], run_once: true}
YAML
  await_state api running
  await_state migrate completed
}

test_status_is_a_table_for_people() {
  start_shop
  ask status >table
  expect_contains "$(head -n 1 table)" "up for "
  expect_contains "$(head -n 1 table)" ", healthy"
  expect_equal "$(sed -n 3p table | tr -s ' ')" "NAME KIND STATE HEALTH PID RESTARTS SINCE REASON"
  expect_equal "$(awk '$1 == "api" { print $2, $3, $4 }' table)" "service running none"
  expect_equal "$(awk '$1 == "migrate" { print $2, $3 }' table)" "job completed"
  expect_lacks "$(cat table)" $'\x1b'
}

test_status_is_json_for_machines() {
  start_shop
  expect_equal "$(ask status -o json | jq --raw-output '.services | map(.name) | join(" ")')" "db api migrate"
  expect_equal "$(ask status api -o json | jq --raw-output .state)" running
}

test_status_of_one_service_ends_with_1_if_it_failed() {
  start_kestrel <<'YAML'
exec:
  - {name: good, command: /bin/sleep, args: ["1000"]}
  - {name: bad, command: /bin/sh, args: ["-c", "exit 3"], restart: never}
YAML
  await_state good running
  await_state bad failed
  ask status good >/dev/null
  expect_status 1 ask status bad >bad
  expect_contains "$(cat bad)" "exited with 3"
}

test_there_is_colour_on_a_terminal_unless_it_is_unwanted() {
  start_shop
  # script(1) runs a command on a terminal of its own.
  TERM=xterm script --quiet --command "$BUILD/kestrel status --api unix:$T/api.sock" /dev/null >coloured
  expect_contains "$(cat coloured)" $'\x1b[32mrunning\x1b[0m'
  NO_COLOR=1 TERM=xterm script --quiet --command "$BUILD/kestrel status --api unix:$T/api.sock" /dev/null >plain
  expect_lacks "$(cat plain)" $'\x1b'
}

test_a_needed_service_is_not_stopped_unless_forced() {
  start_shop
  ask_in_vain 1 stop db
  expect_equal "$said" "kestrel: cannot stop db: api requires it
hint: --force stops what requires it, too, and first"
  expect_equal "$(service db .state)" running
  expect_contains "$(ask stop --force db)" "stopping "
  await_state db stopped
  await_state api stopped
}

test_commands_say_what_they_change() {
  start_shop
  expect_equal "$(ask stop api)" "stopping api"
  await_state api stopped
  expect_equal "$(ask stop api)" "nothing to do"
  expect_equal "$(ask start api -o json)" '{"changed":["api"]}'
  await_state api running
  local pid
  pid=$(service api .pid)
  expect_equal "$(ask restart api)" "restarting api"
  has_another_process() { is_in_state api running && [ "$(service api .pid)" != "$pid" ]; }
  wait_until 10 has_another_process
}

test_a_signal_reaches_the_process() {
  start_kestrel <<'YAML'
exec:
  - {name: app, command: /bin/sh, args: ["-c", "trap 'echo got it' HUP; echo up; while :; do sleep 0.1; done"]}
YAML
  wait_until 10 log_has "[app] up"
  expect_equal "$(ask signal app HUP)" "sent SIGHUP to app"
  wait_until 10 log_has "[app] got it"
  ask_in_vain 2 signal app NONSENSE
  expect_contains "$said" "there is no signal NONSENSE"
}

test_logs_are_of_all_or_of_one_service() {
  start_shop
  expect_equal "$(ask logs)" "[migrate] migrated"
  expect_equal "$(ask logs migrate)" "migrated"
  expect_equal "$(ask logs db)" ""
  expect_equal "$(ask logs -o json | jq --raw-output '.service + " " + .line')" "migrate migrated"
}

test_followed_logs_show_a_new_line() {
  start_kestrel <<YAML
exec:
  - {name: app, command: /bin/sh, args: ["-c", "echo first; echo second; while ! [ -e $T/go ]; do sleep 0.05; done; echo third; sleep 1000"]}
YAML
  wait_until 10 log_has "[app] second"
  "$BUILD/kestrel" logs -f -n 1 app --api "unix:$T/api.sock" >followed &
  follower=$!
  wait_until 10 grep -qx second followed
  touch go
  wait_until 10 grep -qx third followed
  expect_lacks "$(cat followed)" first
  kill -0 "$follower"
}

test_events_tell_what_happened() {
  start_shop
  ask events >events
  expect_contains "$(cat events)" "service.ready  api"
  expect_contains "$(cat events)" "job.completed  migrate"
  local first
  first=$(ask events -o json | jq .seq | head -n 1)
  expect_equal "$(ask events --after "$first" -o json | jq .seq | head -n 1)" $((first + 1))
}

test_health_is_the_exit_status() {
  start_kestrel <<YAML
exec: [{name: app, command: /bin/sleep, args: ["1000"]}]
health:
  exec: {command: /bin/cat, args: ["$T/well"], interval: 50ms, start_period: 0s, failure_threshold: 1}
YAML
  is_unhealthy() { [ "$(ask health)" != "" ] && expect_status 1 ask health; }
  wait_until 10 is_unhealthy
  touch well
  wait_until 10 ask health
  expect_equal "$(ask health -o json | jq --raw-output .status)" healthy
}

test_power_ends_everything_in_order() {
  start_shop
  expect_equal "$(ask power shutdown)" "shutting down"
  await_end
  expect_equal "$status" 0
  expect_contains "$(events | tail -n 5)" "service.stopped api"
  expect_equal "$(events | tail -n 1)" "service.stopped db"
}

test_a_service_can_have_itself_restarted() {
  start_kestrel <<YAML
exec:
  - name: self
    command: /bin/sh
    args: ["-c", "test -e $T/again && exec sleep 1000; touch $T/again; exec $BUILD/kestrel restart self --api unix:$T/api.sock"]
YAML
  is_second_run() { log_has "service.stopping self" && [ "$(grep -c 'service.ready self' log)" = 2 ]; }
  wait_until 20 is_second_run
  expect_equal "$(service self .state)" running
}

test_an_unknown_service_suggests_the_nearest() {
  start_shop
  ask_in_vain 1 stop migrat
  expect_equal "$said" "kestrel: cannot stop migrat: there is no service 'migrat'; did you mean 'migrate'?"
  ask_in_vain 1 logs migrat
  expect_contains "$said" "did you mean 'migrate'?"
}

test_an_unreachable_socket_says_how_to_reach_it() {
  ask_in_vain 3 status
  expect_equal "$said" "kestrel: cannot reach $T/api.sock: No such file or directory
hint: no kestrel listens there; name the socket of another with --api unix:PATH or KESTREL_API"
}

test_the_environment_names_the_socket() {
  start_shop
  KESTREL_API="unix:$T/api.sock" "$BUILD/kestrel" status >table
  expect_contains "$(cat table)" api
}

test_arguments_that_make_no_sense_end_with_2() {
  ask_in_vain 2 stop
  ask_in_vain 2 power explode
  ask_in_vain 2 status -o xml
  expect_status 2 "$BUILD/kestrel" status --api nonsense 2>said
  expect_contains "$(cat said)" "it must have the form unix:PATH"
}

# As the kernel starts init, a subcommand is one all the same: each says it cannot reach the API rather than to boot.
test_pid_1_with_a_subcommand_is_a_client() {
  for command in status health logs events "start a" "stop a" "restart a" "signal a TERM" "power shutdown"; do
    local status=0
    # shellcheck disable=SC2086
    unshare --pid --mount-proc --fork "$BUILD/kestrel" $command --api "unix:$T/api.sock" 2>said || status=$?
    expect_equal "$status" 3 "exit status of PID 1 with '$command'"
    expect_contains "$(cat said)" "cannot reach"
  done
}

test_a_graph_of_a_configuration_can_be_drawn() {
  cat >config.yaml <<'YAML'
exec:
  - {name: db, command: /bin/true}
  - {name: api, command: /bin/true, depends_on: [db]}
YAML
  expect_contains "$("$BUILD/kestrel" graph config.yaml)" '"api" -> "db" [label="ready"];'
  expect_contains "$("$BUILD/kestrel" graph --format mermaid config.yaml)" "flowchart LR"
  echo "exec: []" >config.yaml
  expect_status 1 "$BUILD/kestrel" graph config.yaml 2>said
  expect_contains "$(cat said)" "config.yaml:1:1:"
}

test_the_schema_is_json_with_the_keys_of_services() {
  "$BUILD/kestrel" schema >schema.json
  jq --exit-status '.properties.exec.items.properties | has("name") and has("command")' schema.json
  jq --exit-status '.properties.exec.items.properties.run_once.description | contains("job")' schema.json
  expect_contains "$("$BUILD/kestrel" schema --markdown)" '| `stop.timeout` | duration | `10s` |'
}

harness_main "$@"
