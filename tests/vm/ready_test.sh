#!/bin/bash
# Readiness where services are in cgroups.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
time_limit=240

with_client() {
  mkdir -p "$T/$1.root/bin"
  cp "$BUILD/support/notify_client" "$T/$1.root/bin/"
}

is_running() { [ "$(service "$1" .state)" = running ]; }

test_messages_count_by_the_cgroup_of_their_sender() {
  with_client notify
  build_image notify <<'CONFIG'
exec:
  - name: web
    command: /bin/sh
    args: ["-c", "echo $NOTIFY_SOCKET >/tmp/address; until [ -e /tmp/sent ]; do sleep 0.05; done; (notify_client READY=1 STATUS=mine); exec sleep 1000"]
    user: "65534:65534"
    ready: {notify: true}
  - name: stranger
    command: /bin/sh
    args: ["-c", "until [ -s /tmp/address ]; do sleep 0.05; done; notify_client --to $(cat /tmp/address) READY=1 STATUS=hacked; touch /tmp/sent"]
    run_once: true
  - name: daemon
    command: notify_client
    args: [--as-main, READY=1]
    ready: {notify: true}
CONFIG
  start_vm notify "$T/notify"
  wait_until 50 is_running web
  wait_until 50 is_running daemon
  expect_equal "$(service web '"\(.state) \(.status) \(.restarts)"')" "running mine 0"
  expect_contains "$(cat "$(in_vm_folder console.log)")" "web: a message of process"
  expect_equal "$(service daemon '"\(.state) \(.restarts) \(.exits | length)"')" "running 0 0"
  expect_equal "$(ask_guest '/v1/events?after=0' | jq -r '"\(.type) \(.service)"' | grep -E '^(job.completed stranger|service.ready web)$')" \
    "job.completed stranger
service.ready web"
  stop_vm
  expect_equal "$status" 0 "exit status"
}

harness_main "$@"
