#!/bin/bash
# The Python web app, as its README runs it.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
time_limit=600

start_app() {
  export KESTREL_STATE_DIR=$T/state
  launch_vm app "$BUILD/images/flask-app" --volume items:/app/data:64M -p 0:5000 --boot-timeout 2m
  wait_until 240 is_healthy_or_over
  kill -0 "$runner" 2>/dev/null || fail "the VM ended before it was healthy: $(cat err out)"
  url=http://127.0.0.1:$(guest_port 5000)
}

test_items_that_are_posted_are_there_again_after_a_restart_of_the_vm() {
  start_app
  expect_contains "$(curl --silent --fail "$url/")" '<link rel="stylesheet" href="/static/style.css">'
  curl --silent --fail "$url/static/style.css" | cmp - "$REPO/config-examples/flask-app/static/style.css"
  expect_equal "$(curl --silent --fail "$url/api/items")" "[]" "items at first"
  expect_equal "$(curl --silent --fail -o created -w '%{http_code}' --json '{"name": "pen", "description": "blue"}' "$url/api/items")" 201 "status of the POST"
  stop_vm
  expect_equal "$status" 0 "exit status"
  start_app
  expect_equal "$(curl --silent --fail "$url/api/items" | jq -c .)" '[{"description":"blue","id":1,"name":"pen"}]' "items afterwards"
  stop_vm
}

harness_main "$@"
