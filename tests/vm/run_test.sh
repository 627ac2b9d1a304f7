#!/bin/bash
# What `kestrelctl run` promises, with real guests.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
time_limit=240
site=$BUILD/images/static-site

test_the_static_site_answers_with_the_right_bytes_over_the_published_port() {
  start_vm site -p 0:8080 "$site"
  local url file
  url=http://127.0.0.1:$(guest_port 8080)
  curl --silent --show-error --dump-header headers --output page "$url/"
  expect_contains "$(head -n 1 headers)" "200 OK"
  cmp page "$REPO/config-examples/static-site/site/index.html"
  for file in assets/style.css assets/app.js; do
    curl --silent --show-error --output got "$url/$file"
    cmp got "$REPO/config-examples/static-site/site/$file"
  done
  stop_vm
  expect_equal "$status" 0 "exit status"
  expect_nothing_left
}

test_the_boot_is_told_step_by_step() {
  start_vm site "$site"
  expect_equal "$(sed -E 's/^\[ *[0-9.]+s\] //' err)" "VM starting
kernel
kestrel
services
healthy" "the steps on stderr"
  expect_equal "$(ask_runner /v1/vm | jq -c '[.boot[].step]')" '["vm","kernel","kestrel","services","healthy"]'
  expect_contains "$(cat out)" "[caddy] "
}

has_another_pid() { [ "$(service caddy .pid)" != "$1" ]; }
is_healthy_again() { ask_guest /v1/health; }

test_a_server_that_is_killed_in_the_guest_is_restarted_and_healthy_again() {
  start_vm site -p 0:8080 "$site"
  local before
  before=$(service caddy .pid)
  ask_guest /v1/services/caddy/signal --data '{"signal":"KILL"}' >/dev/null
  wait_until 30 has_another_pid "$before"
  wait_until 30 is_healthy_again
  expect_equal "$(service caddy '.exits[0] | "\(.cause) \(.signal)"')" "signal 9"
  expect_equal "$(service caddy .restarts)" 1 "restarts"
  wait_until 30 curl --silent --fail "http://127.0.0.1:$(guest_port 8080)/"
}

test_a_config_with_three_mistakes_ends_with_78_and_tells_them_all() {
  run_vm "$BUILD/images/bad-config"
  expect_equal "$status" 78 "exit status"
  expect_contains "$(cat err)" "the guest's config is wrong: 3 problems"
  expect_equal "$(grep -cE '^/etc/kestrel/config.yaml:[0-9]+:[0-9]+: ' err)" 3 "problems with their positions"
  expect_nothing_left
}

test_a_batch_whose_job_fails_with_7_ends_with_7() {
  run_vm "$BUILD/images/batch"
  expect_equal "$status" 7 "exit status"
  expect_contains "$(cat out)" "[collect] collected 5 names"
  expect_contains "$(cat err)" "ended with status 7"
  expect_nothing_left
}

test_sigterm_stops_services_in_reverse_order_and_ends_with_0() {
  build_image ordered <<'CONFIG'
exec:
  - {name: db, command: /bin/sleep, args: ["1000"]}
  - {name: api, command: /bin/sleep, args: ["1000"], depends_on: [db]}
  - {name: web, command: /bin/sleep, args: ["1000"], depends_on: [api]}
CONFIG
  start_vm ordered --keep "$T/ordered"
  stop_vm
  expect_equal "$status" 0 "exit status"
  expect_equal "$(jq --raw-output 'select(.type == "service.stopped").service' "$(in_vm_folder events.ndjson)" | xargs)" \
    "web api db" "the order of stops"
  expect_equal "$(jq -c . "$(in_vm_folder exit.json)")" '{"details":[],"message":"","status":0}'
}

test_ten_thousand_orphans_are_reaped() {
  build_image orphans --program "$BUILD/support/orphans:/bin/orphans" <<'CONFIG'
exec:
  - name: orphans
    command: /bin/sh
    args:
      - -c
      - |
        /bin/orphans 10000 > /tmp/output & orphans=$!
        until grep -q done /tmp/output; do sleep 0.1; done
        tries=0
        while grep -q '^State:.Z' /proc/[0-9]*/status 2>/dev/null; do
          tries=$((tries + 1))
          [ $tries -lt 50 ] || exit 9
          sleep 0.1
        done
        echo "all are reaped"
        kill $orphans
    run_once: true
CONFIG
  run_vm "$T/orphans"
  expect_equal "$status" 0 "exit status"
  expect_contains "$(cat out)" "[orphans] all are reaped"
}

test_the_environment_is_the_images_beaten_by_the_guests_files_beaten_by_the_hosts() {
  mkdir -p "$T/env.root/etc"
  printf 'BOTH=guest\nALL=guest\n' >"$T/env.root/etc/environment"
  build_image env --env FROM_IMAGE=image --env BOTH=image --env ALL=image <<'CONFIG'
exec:
  - name: show
    command: /bin/sh
    args: ["-c", "echo $FROM_IMAGE $BOTH $ALL $FILE ${UNNAMED-unset}"]
    run_once: true
    env:
      - {name: FROM_IMAGE, value_from: env}
      - {name: BOTH, value_from: env}
      - {name: ALL, value_from: env}
      - {name: FILE, value_from: env}
CONFIG
  printf '# comment\nFILE=file\nALL=file\n' >variables
  run_vm -q --env-file variables -e ALL=option -e UNNAMED=option "$T/env"
  expect_equal "$status" 0 "exit status"
  expect_equal "$(cat out)" "[show] image guest option file unset"
}

harness_main "$@"
