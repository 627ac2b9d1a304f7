#!/bin/bash
# Hooks of services and of the guest: when they run, as whom, and what follows when they fail.
source "$(dirname "$0")/../support/harness.sh"
source "$(dirname "$0")/kestrel.sh"

must_be_root() { [ "$(id -u)" = 0 ] || skip "not root"; }
steps() { tr '\n' ' ' <steps | sed 's/ $//'; }
steps_are() { [ "$(steps)" = "$1" ]; }

# step NAME: a hook that writes that down; `step NAME COMMAND` does something besides.
step() { echo "{command: /bin/sh, args: ['-c', 'echo $1 >>$T/steps; ${2:-true}']}"; }

test_pre_start_hooks_run_one_after_another_and_then_the_process() {
  start_kestrel <<YAML
exec:
  - name: web
    command: /bin/sh
    args: ["-c", "echo main >>$T/steps; exec sleep 1000"]
    hooks: {pre_start: [$(step one "sleep 0.2"), $(step two)]}
YAML
  wait_until 20 steps_are "one two main"
}

test_hooks_of_a_stop_run_before_the_signal_and_after_the_end() {
  start_kestrel <<YAML
exec:
  - name: web
    command: /bin/sh
    args: ["-c", "trap 'echo term >>$T/steps; exit' TERM; echo main >>$T/steps; echo up; while :; do sleep 0.02; done"]
    ready: {log: up}
    hooks: {pre_start: [$(step pre_start)], post_start: [$(step post_start)], pre_stop: [$(step pre_stop)], post_stop: [$(step post_stop)]}
  - {name: after, command: /bin/sh, args: ["-c", "echo dependent >>$T/steps; exec sleep 1000"], depends_on: [web]}
YAML
  wait_until 20 steps_are "pre_start main post_start dependent"
  api "/v1/services/web/stop?force=1" -X POST >reply
  await_state web stopped
  expect_equal "$(steps)" "pre_start main post_start dependent pre_stop term post_stop"
}

test_a_failing_pre_start_hook_keeps_the_service_from_running_and_is_tried_again_with_it() {
  start_kestrel <<YAML
exec:
  - name: web
    command: /bin/sh
    args: ["-c", "echo main >>$T/steps; exec sleep 1000"]
    hooks: {pre_start: [$(step pre_start "[ -e $T/go ]")]}
    restart: {backoff: {initial: 20ms, max: 20ms}}
  - {name: other, command: /bin/sleep, args: ["1000"]}
YAML
  failed() { log_has "pre_start hook /bin/sh exited with 1"; }
  wait_until 20 failed
  expect_lacks "$(steps)" main
  touch go
  await_state web running
  expect_contains "$(steps)" "pre_start main"
}

test_a_failing_post_start_hook_stops_the_service() {
  start_kestrel <<YAML
exec:
  - name: web
    command: /bin/sleep
    args: ["1000"]
    hooks: {post_start: [/bin/false]}
    restart: never
  - {name: other, command: /bin/sleep, args: ["1000"]}
YAML
  await_state web failed
  expect_contains "$(service web .reason)" "post_start hook /bin/false exited with 1"
  expect_equal "$(pgrep --ns "$kestrel" --nslist pid -c sleep)" 1
}

test_post_stop_runs_after_a_crash_and_before_the_next_start() {
  start_kestrel <<YAML
exec:
  - name: web
    command: /bin/sh
    args: ["-c", "echo main >>$T/steps; [ -e $T/crashed ] || { touch $T/crashed; kill -SEGV \$\$; }; exec sleep 1000"]
    hooks: {pre_stop: [$(step pre_stop)], post_stop: [$(step post_stop)]}
    restart: {backoff: {initial: 10ms}}
YAML
  wait_until 20 steps_are "main post_stop main"
}

test_a_hook_of_a_service_runs_as_its_user_with_its_environment_in_its_folder() {
  must_be_root
  chmod 777 "$T"
  start_kestrel <<YAML
exec:
  - name: web
    command: /bin/sleep
    args: ["1000"]
    user: nobody
    working_dir: /usr
    env: {COLOUR: green}
    hooks: {pre_start: [{command: /bin/sh, args: ["-c", "echo \$(id -un) \$COLOUR \$PWD \${NOTIFY_SOCKET-none}"]}]}
YAML
  await_state web running
  expect_contains "$(cat log)" "[web] nobody green /usr none"
}

test_what_a_hook_leaves_running_does_not_outlive_it() {
  start_kestrel <<YAML
exec:
  - name: web
    command: /bin/sleep
    args: ["1000"]
    hooks: {pre_start: [{command: /bin/sh, args: ["-c", "setsid sleep 2000 & true"]}]}
YAML
  await_state web running
  expect_equal "$(pgrep --ns "$kestrel" --nslist pid -c sleep)" 1
}

test_hooks_of_the_guest_run_around_everything_else() {
  run_kestrel <<YAML
hooks:
  pre_start: [$(step pre1), $(step pre2)]
  post_start: [$(step post_start "touch $T/up")]
  pre_stop: [$(step pre_stop)]
  post_stop: [$(step post_stop)]
exec:
  - name: web
    command: /bin/sh
    args: ["-c", "trap 'echo term >>$T/steps; exit' TERM; echo web >>$T/steps; echo up; while :; do sleep 0.02; done"]
    ready: {log: up}
  - {name: end, command: /bin/sh, args: ["-c", "until [ -e $T/up ]; do sleep 0.02; done"], run_once: true, depends_on: [web], on_exit: {success: shutdown}}
YAML
  expect_contains "$(steps)" "pre1 pre2 web"
  expect_equal "$(steps | sed 's/.*pre_stop/pre_stop/')" "pre_stop term post_stop"
}

test_on_unhealthy_hooks_run_when_the_guest_becomes_unhealthy() {
  start_kestrel <<YAML
hooks: {on_unhealthy: [$(step on_unhealthy)]}
health:
  exec: {command: /bin/sh, args: ["-c", "[ ! -e $T/sick ]"], interval: 50ms, failure_threshold: 2, start_period: 0}
exec:
  - {name: web, command: /bin/sleep, args: ["1000"]}
YAML
  healthy() { [ "$(api /v1/health | jq -r .status)" = healthy ]; }
  wait_until 20 healthy
  [ ! -e steps ] || fail "it ran already: $(steps)"
  touch sick
  wait_until 20 steps_are on_unhealthy
}

test_a_hook_that_cannot_be_executed_is_a_failure_with_its_cause() {
  start_kestrel <<'YAML'
exec:
  - name: web
    command: /bin/sleep
    args: ["1000"]
    hooks: {pre_start: [/nonexistent/hook]}
    restart: never
  - {name: other, command: /bin/sleep, args: ["1000"]}
YAML
  await_state web failed
  expect_contains "$(service web .reason)" "pre_start hook /nonexistent/hook"
}

harness_main "$@"
