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

harness_main "$@"
