#!/bin/bash
# What a guest tells of itself in numbers, and of its boot.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
time_limit=120

metric() { sed -n "s/^$1 //p" metrics; }
# is_positive SERIES...
is_positive() {
  local series
  for series in "$@"; do
    [[ $(metric "$series") =~ [1-9] && $(metric "$series") != -* ]] || fail "$series is '$(metric "$series")'"
  done
}

test_cgroups_link_clock_pressure_and_boot_are_told_in_numbers_and_the_boot_step_by_step() {
  build_image shop <<'CONFIG'
exec:
  - {name: busy, command: /bin/sh, args: ["-c", "seq 20000 >/dev/null; exec sleep 1000"]}
CONFIG
  start_vm shop "$T/shop"
  ask_guest /v1/metrics >metrics
  is_positive 'kestrel_service_cpu_seconds_total{service="busy"}' 'kestrel_service_memory_bytes{service="busy"}' \
    'kestrel_service_memory_peak_bytes{service="busy"}' 'kestrel_service_uptime_seconds{service="busy"}' \
    'kestrel_boot_step_seconds{step="pid 1"}' 'kestrel_boot_step_seconds{step="welcome"}' kestrel_clock_age_seconds
  [ "$(metric 'kestrel_service_memory_peak_bytes{service="busy"}')" -ge "$(metric 'kestrel_service_memory_bytes{service="busy"}')" ]
  expect_equal "$(metric kestrel_link_up)" 1
  expect_contains "$(metric kestrel_clock_offset_seconds)" .
  expect_contains "$(metric 'kestrel_pressure_waiting_seconds_total{resource="cpu"}')" .

  # The boot as a timeline: the machine, the link, the services.
  ask_guest /v1/timeline >timeline
  for step in "pid 1" mounts configuration hello welcome services ready healthy; do
    expect_equal "$(jq --arg step "$step" '[.boot[] | select(.name == $step).at_us > 0]' -c timeline)" "[true]" "step $step"
  done
  expect_equal "$(jq '.services[0] | .starting_us <= .started_us and .started_us <= .ready_us' timeline)" true
  expect_contains "$(kestrelctl timeline shop)" "busy"
  expect_equal "$(kestrelctl events shop -o json | jq -c 'select(.type == "vm.ready") | [.boot[0].name]')" '["pid 1"]'
  expect_equal "$(ask_runner /v1/vm | jq '.guest.boot | map(.step) | index("hello") != null')" true
  all_acknowledged() { ask_guest /v1/metrics | grep -qx 'kestrel_link_unacknowledged_records 0'; }
  wait_until 10 all_acknowledged
  stop_vm
}

harness_main "$@"
