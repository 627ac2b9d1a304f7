#!/bin/bash
# Who waits for whom.
source "$(dirname "$0")/../support/harness.sh"
source "$(dirname "$0")/kestrel.sh"

test_a_dependent_starts_only_when_its_job_has_completed() {
  start_kestrel <<YAML
exec:
  - {name: migrate, command: /bin/sh, args: ["-c", "sleep 0.3; touch $T/migrated"], run_once: true}
  - {name: api, command: /bin/sh, args: ["-c", "ls $T/migrated; exec sleep 1000"], depends_on: [migrate]}
YAML
  wait_until 10 log_has "[api] $T/migrated"
  expect_equal "$(events | grep -E 'job.completed|service.starting' | cut -d ' ' -f 1-2)" "service.starting migrate
job.completed migrate
service.starting api"
}

test_a_job_that_failed_blocks_its_dependents_at_once_and_says_why() {
  start_kestrel <<'YAML'
exec:
  - {name: migrate, command: /bin/sh, args: ["-c", "exit 3"], run_once: true}
  - {name: api, command: /bin/sleep, args: ["1000"], depends_on: [migrate]}
  - {name: proxy, command: /bin/sleep, args: ["1000"], depends_on: [api]}
  - {name: other, command: /bin/sleep, args: ["1000"]}
YAML
  await_state migrate failed
  await_state api blocked
  await_state proxy blocked
  expect_contains "$(service api .reason)" "migrate"
  expect_contains "$(service migrate .reason)" "3"
  expect_equal "$(service other .state)" running
  expect_lacks "$(events)" "service.starting api"
}

test_a_crash_of_a_dependency_leaves_its_dependents_alone() {
  start_kestrel <<'YAML'
exec:
  - {name: database, command: /bin/sleep, args: ["1111"], restart: {backoff: {initial: 10ms}}}
  - {name: api, command: /bin/sleep, args: ["2222"], depends_on: [database]}
YAML
  await_state api running
  local before
  before=$(service api .pid)
  kill -KILL "$(pgrep -f 'sleep 1111')"
  came_back() { [ "$(service database .restarts)" = 1 ]; }
  wait_until 10 came_back
  await_state database running
  expect_equal "$(service api .pid)" "$before"
}

test_stopping_what_others_need_is_refused_and_names_them() {
  start_kestrel <<'YAML'
exec:
  - {name: database, command: /bin/sleep, args: ["1000"]}
  - {name: api, command: /bin/sleep, args: ["1000"], depends_on: [database]}
YAML
  await_state api running
  local answer
  answer=$(curl --silent --unix-socket api.sock --request POST --write-out '%{http_code}' http://vm/v1/services/database/stop)
  expect_contains "$answer" "api"
  expect_contains "$answer" "409"
  expect_equal "$(service database .state)" running
  api '/v1/services/database/stop?force=1' --request POST >/dev/null
  await_state database stopped
  await_state api stopped
}

harness_main "$@"
