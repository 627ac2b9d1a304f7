#!/bin/bash
# VMs that were left running, and what can be asked of them.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
time_limit=120
site=$BUILD/images/static-site

test_a_detached_vm_is_healthy_when_the_command_returns_and_answers_until_it_is_stopped() {
  expect_equal "$(kestrelctl run -d --name site -p 0:8080 "$site" 2>err)" site
  expect_contains "$(cat err)" "] healthy"
  vm=site
  curl --silent --fail --output /dev/null "http://127.0.0.1:$(guest_port 8080)/"
  expect_contains "$(kestrelctl status site)" "healthy"
  expect_equal "$(kestrelctl services site -o json | jq --raw-output '.services[].name')" caddy
  expect_contains "$(kestrelctl services site)" "caddy"
  expect_contains "$(kestrelctl logs site -n 5)" "[caddy] "
  expect_contains "$(kestrelctl events site)" "vm.healthy"
  expect_equal "$(kestrelctl list -o json | jq -c '[.vms[] | {name, state}]')" '[{"name":"site","state":"healthy"}]'
  expect_equal "$(kestrelctl stop site)" site
  wait_until 5 no_process_is_left
}

has_ended() { kestrelctl list | grep -q "^$1 *ended"; }

test_a_vm_that_has_ended_leaves_its_logs_until_they_are_removed() {
  kestrelctl run -q -d --wait started --name job "$BUILD/images/batch"
  wait_until 20 has_ended job
  expect_contains "$(kestrelctl status job)" "ended with status 7"
  expect_contains "$(kestrelctl logs job)" "[collect] collected 5 names"
  expect_equal "$(kestrelctl logs job --service report -o json | jq --raw-output .line)" "cannot reach the printer"
  expect_contains "$(kestrelctl events job)" "job.completed"
  expect_contains "$(kestrelctl list)" "ended"
  kestrelctl stop job --rm
  expect_nothing_left
}

test_followed_logs_end_when_the_vm_ends() {
  build_image ticking <<'CONFIG'
exec:
  - {name: tick, command: /bin/sh, args: ["-c", "n=0; while :; do echo tick $n; n=$((n+1)); sleep 0.1; done"]}
CONFIG
  kestrelctl run -q -d --name ticking "$T/ticking"
  kestrelctl logs -f ticking >followed &
  local follower=$!
  wait_until 30 grep -q 'tick 20' followed
  kestrelctl stop ticking
  wait "$follower"
  # Line after line, none missing, none twice.
  expect_equal "$(sed -E 's/^\[tick\] tick //' followed)" "$(seq 0 $(($(wc -l <followed) - 1)))"
}

test_what_keeps_a_detached_vm_from_starting_is_told() {
  mkdir bare
  touch bare/nothing
  bare_initramfs "$T/initramfs"
  expect_status 119 kestrelctl run -d --name broken --kernel "$BUILD/kernel/vmlinux" "$T/initramfs" 2>err
  expect_contains "$(cat err)" "cannot run broken: the guest's kernel panicked"
  expect_contains "$(cat err)" "console: "
}

test_a_name_that_nobody_has() {
  expect_status 125 kestrelctl status nobody 2>err
  expect_contains "$(cat err)" "cannot show nobody: there is no VM of that name"
}

harness_main "$@"
