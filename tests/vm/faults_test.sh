#!/bin/bash
# Programs that fight their end, and short lives in great numbers, where every service is in a cgroup.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
time_limit=240

is_stopped() { [ "$(service storm .state)" = stopped ]; }
has_stormed() { grep -q '^\[storm\] up' out; }

# stop_storm [PREPARATION]: what is left of a storm in sessions of its own after its stop; a shell's PREPARATION comes first.
stop_storm() {
  more_applets storm ps mount
  build_image storm --program "$BUILD/support/fork_storm:/bin/fork_storm" <<CONFIG
exec:
  - {name: storm, command: /bin/fork_storm, args: ["3", new-sessions], stop: {timeout: 300ms}}
  - {name: canary, command: /bin/sleep, args: ["4321"]}
  - {name: prepare, run_once: true, schedule: "0 0 29 2 *", command: /bin/sh, args: ["-c", "${1:-:}"]}
  - {name: look, run_once: true, schedule: "0 0 29 2 *", command: /bin/sh, args: ["-c", "ps -o args; echo seen"]}
CONFIG
  launch_vm storm "$T/storm"
  wait_until 60 has_stormed
  local canary
  ask_guest /v1/services/prepare/start -X POST >reply
  is_prepared() { [ "$(service prepare '.exits | length')" = 1 ]; }
  wait_until 30 is_prepared
  expect_equal "$(service prepare '.exits[0].code')" 0 "the preparation's status"
  canary=$(service canary .pid)
  ask_guest /v1/services/storm/stop -X POST >reply
  wait_until 30 is_stopped
  ask_guest /v1/services/look/start -X POST >reply
  has_looked() { grep -q '^\[look\] seen' out; }
  wait_until 30 has_looked
  expect_lacks "$(printed_by look)" fork_storm "what runs"
  expect_equal "$(service canary .pid)" "$canary" "the neighbour"
  expect_equal "$(service canary '.exits | length')" 0 "ends of the neighbour"
  stop_vm
  expect_equal "$status" 0 "exit status"
}

test_of_a_fork_storm_that_is_stopped_nothing_is_left_and_its_neighbour_is_unharmed() {
  stop_storm
}

test_where_cgroup_kill_fails_a_fork_storm_ends_pid_by_pid() {
  stop_storm 'k=/sys/fs/cgroup/services/storm/cgroup.kill; mount -o bind /dev/full $k && ! echo 1 >$k'
}

test_exits_are_told_of_the_right_service_though_pids_come_again_all_the_time() {
  more_applets reuse expr
  build_image reuse --program "$BUILD/support/orphans:/bin/orphans" <<'CONFIG'
sysctl: {kernel.pid_max: 400}
exec:
  - {name: orphans, command: /bin/orphans, args: ["1000000"]}
  - name: brief
    command: /bin/sh
    args: ["-c", "echo $$; echo x >>/run/n; n=$(wc -l </run/n); [ $n -lt 100 ] || exit 78; exit $((n % 50 + 1))"]
    restart: {backoff: {initial: 0ms}}
CONFIG
  launch_vm reuse "$T/reuse"
  has_ended() { [ "$(service brief .state)" = failed ]; }
  wait_until 120 has_ended
  # The last 32 ends, each with its own code, in order; and of the orphans' maker none.
  expect_equal "$(service brief '[.exits[].code] | join(" ")')" "$(seq -s ' ' 20 50) 78"
  expect_equal "$(service brief .restarts)" 99
  expect_equal "$(service orphans '"\(.state) \(.exits | length)"')" "running 0"
  [ -n "$(printed_by brief | sort | uniq -d)" ] || fail "no pid came again: the test proves nothing"
  stop_vm
  expect_equal "$status" 0 "exit status"
}

harness_main "$@"
