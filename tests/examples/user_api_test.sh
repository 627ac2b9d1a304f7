#!/bin/bash
# The REST API, as its README runs it: with a database in another VM.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
time_limit=900

test_an_api_finds_its_database_in_another_vm_and_is_healthy_as_long_as_that_is() {
  local port url
  export KESTREL_STATE_DIR=$T/state
  kestrelctl run -d --name db -p 0:5432 --boot-timeout 2m --wait-timeout 5m "$BUILD/images/postgres"
  vm=db
  port=$(guest_port 5432)
  launch_vm api -p 0:8080 --network user --boot-timeout 2m \
    -e DATABASE_URL="postgres://postgres:changeme@10.0.2.2:$port/postgres?sslmode=disable" "$BUILD/images/user-api"
  wait_until 240 is_healthy_or_over
  kill -0 "$runner" 2>/dev/null || fail "the VM ended before it was healthy: $(cat err out)"
  url=http://127.0.0.1:$(guest_port 8080)

  expect_contains "$(cat out)" "applied /migrations/01-users.sql"
  expect_equal "$(service migrate .state)" completed "the job"
  expect_equal "$(curl --silent --fail "$url/health")" '{"status":"healthy"}' "/health"
  expect_equal "$(curl --silent --fail --json '{"name": "Ann", "email": "ann@example.org"}' "$url/users")" \
    '{"id":1,"name":"Ann","email":"ann@example.org"}' "the answer to POST"
  expect_equal "$(curl --silent --fail "$url/users")" '[{"id":1,"name":"Ann","email":"ann@example.org"}]' "/users"

  kestrelctl stop db >/dev/null
  wait_until 60 is_unhealthy
  expect_equal "$(curl --silent -o /dev/null -w '%{http_code}' "$url/health")" 503 "/health without a database"
  stop_vm
}
is_unhealthy() { [ "$(ask_runner /v1/vm | jq -r .state)" = unhealthy ]; }

harness_main "$@"
