#!/bin/bash
# Guests that stand still for a while.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
time_limit=240

is_paused() { [ "$(ask_runner /v1/vm | jq --raw-output .state)" = paused ]; }
# The difference between the guest's clock and ours, in seconds, as of now.
clock_error() {
  local before guest
  before=$(date +%s)
  guest=$(kestrelctl exec "$vm" -- date +%s)
  echo $((guest - before))
}
expect_right_clock() {
  local error
  error=$(clock_error)
  [ "${error#-}" -le 2 ] || fail "the guest's clock is $error s off"
}

test_a_guest_that_was_paused_has_the_right_time_and_nothing_failed_meanwhile() {
  more_applets web date
  build_image web <<'CONFIG'
exec:
  - name: web
    command: /bin/sleep
    args: ["100000"]
    health: {exec: {command: /bin/seq, args: ["1"], interval: 100ms, timeout: 2s, failure_threshold: 1, start_period: 0s}}
hooks: {post_resume: [{command: /bin/sh, args: ["-c", "echo renewed at $(date +%s)"]}]}
CONFIG
  start_vm web "$T/web"
  expect_right_clock
  expect_equal "$(kestrelctl vms pause web)" web
  is_paused || fail "state: $(ask_runner /v1/vm | jq .state)"
  expect_equal "$(kestrelctl vms pause web -o json | jq --raw-output .state)" paused "a second pause"
  # Longer than the probe may take; by the host's clock, for the guest's stands still.
  local until=$(($(date +%s) + 5))
  has_passed() { [ "$(date +%s)" -ge "$until" ]; }
  wait_until 20 has_passed
  kestrelctl vms resume web -o json >answer
  expect_equal "$(jq '.paused_ms >= 4000 and .guest.clock_set and .guest.clock_error_ms < -3500' answer)" true "$(cat answer)"
  expect_equal "$(jq --raw-output .state answer)" healthy
  expect_right_clock
  has_renewed() { grep -q 'renewed at' out; }
  wait_until 20 has_renewed
  local renewed
  renewed=$(sed -n 's/.*renewed at //p' out | head -n 1)
  [ "$renewed" -ge "$until" ] || fail "the hook saw the time $renewed, which is before $until"
  expect_equal "$(service web '"\(.health) \(.restarts) \(.exits | length) \(.checks[0].failures)"')" "healthy 0 0 0"
  expect_equal "$(jq -r .type "$(in_vm_folder events.ndjson)" | grep -xE 'vm.(paused|unpaused|resumed|unhealthy)' | xargs)" \
    "vm.paused vm.unpaused vm.resumed"
  expect_equal "$(kestrelctl vms resume web)" "web was not paused"
  # A paused one can be stopped in order.
  kestrelctl vms pause web >paused
  stop_vm
  expect_equal "$status" 0 "exit status: $(tail -n 4 "$T/err")"
  expect_nothing_left
}

# What is open stays open for longer than any side waits for a sign of life (20 s), or for the end of a connection (8 s).
test_connections_and_programs_outlive_a_pause_and_new_connections_wait_for_its_end() {
  more_applets inbox touch
  build_image inbox --program "$(command -v socat):/bin/socat" <<'CONFIG'
exec:
  - name: inbox
    command: /bin/socat
    args: [-u, "TCP-LISTEN:7003,fork,reuseaddr", STDOUT]
    health: {tcp: {port: 7003, interval: 200ms}}
CONFIG
  start_vm inbox "$T/inbox" -p 0:7003
  kestrelctl exec inbox -- sh -c 'echo begun; until [ -e /run/go ]; do sleep 1; done; echo survived' >program 2>program.err &
  local program=$!
  has_begun() { grep -q begun program; }
  wait_until 20 has_begun
  local open port
  port=$(guest_port 7003)
  exec {open}<>"/dev/tcp/127.0.0.1/$port"
  echo "before the pause" >&"$open"
  printed() { grep -qx "\[inbox\] $1" out; }
  wait_until 20 printed "before the pause"

  kestrelctl vms pause inbox >paused
  echo "while it stood still" >&"$open"
  exec {open}>&-
  echo "by a new connection" | socat -t 60 -u - "TCP:127.0.0.1:$port" &
  ask_guest /v1/info >info &
  local asked=$!
  # A command that needs the guest does not hang, and says why.
  expect_status 125 kestrelctl exec inbox -- touch /run/go 2>refusal
  expect_contains "$(cat refusal)" "cannot run a program in inbox: it is paused"
  expect_contains "$(cat refusal)" "kestrelctl vms resume inbox"
  expect_status 125 kestrelctl services inbox 2>refusal
  expect_contains "$(cat refusal)" "it is paused"
  local until=$(($(date +%s) + 26))
  has_passed() { [ "$(date +%s)" -ge "$until" ]; }
  wait_until 60 has_passed
  kill -0 "$program" || fail "the program was given up: $(cat program.err)"
  kill -0 "$asked" || fail "who connected while it was paused was sent away"

  kestrelctl vms resume inbox >resumed
  wait_until 20 printed "while it stood still"
  wait_until 20 printed "by a new connection"
  wait "$asked" || fail "the API did not answer who had waited"
  expect_contains "$(cat info)" '"boot_id"'
  kestrelctl exec inbox -- touch /run/go
  wait "$program" || fail "the program ended with $?: $(cat program.err)"
  expect_equal "$(xargs <program)" "begun survived"
  stop_vm
  expect_equal "$status" 0 "exit status"
}

harness_main "$@"
