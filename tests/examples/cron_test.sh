#!/bin/bash
# The scheduled jobs, by a real cron daemon and by kestrel.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
time_limit=600

start_jobs() {
  export KESTREL_STATE_DIR=$T/state
  launch_vm jobs "$@" --boot-timeout 2m
  wait_until 240 is_healthy_or_over
  kill -0 "$runner" 2>/dev/null || fail "the VM ended before it was healthy: $(cat err out)"
}

has_run() { kestrelctl exec jobs grep 'synchronized at' /var/log/sync.log; }

# Nobody waits an hour here: each minute, as user-data can say.
test_a_cron_daemon_runs_its_jobs_and_is_watched_with_ps() {
  {
    printf '#cloud-config\nwrite_files:\n  - path: /etc/crontabs/root\n    content: |\n'
    sed 's/^0 \* \* \* \*/* * * * */; s/^/      /' "$REPO/config-examples/cron/crontab"
  } >user-data
  start_jobs "$BUILD/images/cron" --cloud-init user-data
  expect_equal "$(ask_guest /v1/health | jq -c '[.checks[] | .type, .status]')" '["exec","healthy"]' "the check"
  wait_until 120 has_run
  stop_vm
}

test_kestrel_runs_the_same_jobs_by_itself() {
  "$BUILD/kestrelctl" build --quiet --file "$REPO/config-examples/cron/fledge.toml" --from "$BUILD/rootfs/cron.tar" \
    --config "$REPO/config-examples/cron/kestrel-schedule.yaml" -o image >/dev/null
  start_jobs image
  expect_equal "$(ask_guest /v1/services | jq -c '[.services[] | .name, .kind]')" \
    '["sync","scheduled","report","scheduled","cleanup","scheduled"]' "the services"
  ask_guest /v1/services/sync/start -X POST >/dev/null
  wait_until 60 grep -q '^\[sync\] synchronized at' out
  stop_vm
}

harness_main "$@"
