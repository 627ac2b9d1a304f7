#!/bin/bash
# GET /v1/metrics of the real binary. What needs a cgroup is for tests/vm.
source "$(dirname "$0")/../support/harness.sh"
source "$(dirname "$0")/kestrel.sh"

# metric SERIES: its value, nothing where there is none.
metric() { curl --silent --show-error --fail --unix-socket "$T/api.sock" http://vm/v1/metrics | sed -n "s/^$1 //p"; }

test_restarts_are_counted_by_what_ended_the_run_before() {
  start_kestrel <<YAML
exec:
  - name: flaky
    command: /bin/sh
    args: ["-c", "echo x >>$T/runs; case \$(wc -l <$T/runs) in 1|2) exit 3 ;; 3) kill -9 \$\$ ;; esac; exec sleep 1000"]
    restart: {policy: always, backoff: {initial: 10ms}}
  - {name: calm, command: /bin/sleep, args: ["1000"]}
YAML
  four_runs() { [ "$(service flaky .restarts)" = 3 ] && [ "$(service flaky .state)" = running ]; }
  wait_until 10 four_runs
  expect_equal "$(metric 'kestrel_service_restarts_total{service="flaky",cause="exit"}')" 2
  expect_equal "$(metric 'kestrel_service_restarts_total{service="flaky",cause="signal"}')" 1
  expect_equal "$(metric 'kestrel_service_restarts_total{service="calm",cause="exit"}')" 0
  curl --silent --fail --unix-socket "$T/api.sock" -X POST http://vm/v1/services/flaky/restart
  wait_until 10 grep -q '' "$T/runs"
  await_state flaky running
  expect_equal "$(metric 'kestrel_service_restarts_total{service="flaky",cause="stop"}')" 0
}

test_lines_bytes_uptime_and_state_are_told() {
  start_kestrel <<'YAML'
exec:
  - {name: talk, command: /bin/sh, args: ["-c", "echo four; echo five5; exec sleep 1000"]}
  - {name: done, command: /bin/true, run_once: true}
YAML
  await_state talk running
  await_state done completed
  printed() { [ "$(metric 'kestrel_service_log_lines_total{service="talk"}')" = 2 ]; }
  wait_until 10 printed
  expect_equal "$(metric 'kestrel_service_log_bytes_total{service="talk"}')" 9
  expect_equal "$(metric 'kestrel_service_state{service="done",kind="job",state="completed"}')" 1
  expect_contains "$(metric 'kestrel_service_uptime_seconds{service="talk"}')" "."
  expect_equal "$(metric 'kestrel_service_uptime_seconds{service="done"}')" ""
  expect_equal "$(metric kestrel_link_up)" "" "of a link that nobody wants"
  expect_equal "$(metric kestrel_healthy)" 1
}

# The host's views of it; the VM `web` is the kestrel that runs here.
make_vm() {
  export KESTREL_RUNTIME_DIR=$T/run
  mkdir -p run/vms/web
  ln -s "$T/api.sock" run/vms/web/api.sock
  ln -s "$T/api.sock" run/vms/web/runner.sock
}

test_kestrelctl_prints_the_metrics_of_a_vm() {
  make_vm
  start_kestrel <<<'exec: [{name: calm, command: /bin/sleep, args: ["1000"]}]'
  await_state calm running
  "$BUILD/kestrelctl" metrics web | grep -qx 'kestrel_service_ready{service="calm"} 1'
  expect_status 125 "$BUILD/kestrelctl" metrics db 2>/dev/null
}

test_top_shows_each_service_once_or_live() {
  make_vm
  start_kestrel <<<'exec: [{name: calm, command: /bin/sleep, args: ["1000"]}]'
  await_state calm running
  expect_equal "$("$BUILD/kestrelctl" vms top --once --interval 10ms | awk 'NR == 2 { print $1, $2, $3 }')" "web calm running"
  expect_equal "$("$BUILD/kestrelctl" vms top -o json --interval 10ms | jq --raw-output '.vms[0].services[0].name')" calm
  # Live it goes on until nobody reads.
  { "$BUILD/kestrelctl" vms top --interval 10ms web || true; } | head -n 9 >live
  expect_equal "$(grep -c calm live)" 3
  expect_status 125 "$BUILD/kestrelctl" vms top db 2>/dev/null
  expect_status 64 "$BUILD/kestrelctl" vms top --interval soon 2>/dev/null
}

test_top_redraws_a_terminal_in_place() {
  make_vm
  start_kestrel <<<'exec: [{name: calm, command: /bin/sleep, args: ["1000"]}]'
  await_state calm running
  export TERM=xterm
  unset NO_COLOR
  script --quiet --command "timeout 1 $BUILD/kestrelctl vms top --interval 10ms" /dev/null >screen || true
  expect_contains "$(cat screen)" $'\x1b[H'
  expect_contains "$(cat screen)" $'\x1b[32mrunning'
}

harness_main "$@"
