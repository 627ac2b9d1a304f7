#!/bin/bash
# What a process may use and do: rlimits, priorities, capabilities, groups. Cgroups are for tests/vm.
source "$(dirname "$0")/../support/harness.sh"
source "$(dirname "$0")/kestrel.sh"

capabilities="grep ^Cap /proc/self/status"
capability_sets() { sed -nE 's/^Cap([A-Z][a-z]+):[^0-9]*(.*)/\1 \2/p' <<<"$printed"; }

must_be_root() { [ "$(id -u)" = 0 ] || skip "not root"; }

test_nofile_and_core_are_soft_and_hard_limits() {
  run_job "    limits: {nofile: 345, core: 1M}" "ulimit -Sn; ulimit -Hn; ulimit -Sc; ulimit -Hc"
  expect_equal "$printed" "345
345
2048
2048"
}

test_a_process_without_limits_has_those_that_kestrel_was_started_with() {
  ulimit -Sn 234
  run_job "" "ulimit -Sn"
  expect_equal "$printed" 234
}

test_nice_and_oom_score_adj_are_set() {
  run_job "    limits: {nice: 7, oom_score_adj: 321}" "nice; cat /proc/self/oom_score_adj"
  expect_equal "$printed" "7
321"
}

test_a_limit_that_the_kernel_refuses_fails_the_start_with_its_stage() {
  run_job "    limits: {nofile: 1073741816}" "echo never"
  [ "$status" != 0 ] || fail "status is 0"
  expect_equal "$printed" ""
  expect_contains "$(cat log)" "limits"
  expect_contains "$(cat log)" "Operation not permitted"
}

test_limits_that_need_a_cgroup_are_warned_about_once_and_do_not_fail_the_start() {
  start_kestrel <<'YAML'
exec:
  - name: web
    command: /bin/sh
    args: ["-c", "sleep 0.05; exit 1"]
    limits: {memory: 64M, cpu: 0.5, pids: 10}
    restart: {backoff: {initial: 10ms, max: 10ms}}
YAML
  restarted() { [ "$(service web .restarts)" -ge 2 ]; }
  wait_until 10 restarted
  expect_equal "$(grep -c 'limits of web are not enforced: there is no cgroup v2' log)" 1
}

test_a_user_who_is_not_root_keeps_the_named_capabilities_and_no_others() {
  must_be_root
  run_job "    user: nobody
    security: {capabilities: [net_bind_service, CAP_CHOWN]}" "$capabilities"
  expect_equal "$(capability_sets)" "Inh 0000000000000401
Prm 0000000000000401
Eff 0000000000000401
Bnd 0000000000000401
Amb 0000000000000401"
}

test_root_keeps_the_named_capabilities_and_no_others() {
  must_be_root
  run_job "    security: {capabilities: [net_bind_service]}" "$capabilities"
  expect_equal "$(capability_sets | grep -v Amb)" "Inh 0000000000000400
Prm 0000000000000400
Eff 0000000000000400
Bnd 0000000000000400"
}

test_without_any_capability_even_root_may_not_do_what_needs_one() {
  must_be_root
  run_job "    security: {capabilities: []}" "$capabilities; chown nobody $T 2>&1 || true"
  expect_equal "$(capability_sets | cut -d ' ' -f 2 | sort -u)" "0000000000000000"
  expect_contains "$printed" "Operation not permitted"
}

test_a_user_without_named_capabilities_has_none() {
  must_be_root
  run_job "    user: nobody" "$capabilities"
  expect_contains "$(capability_sets)" "Eff 0000000000000000"
  expect_contains "$(capability_sets)" "Prm 0000000000000000"
}

test_no_new_privileges_is_off_by_default_and_can_be_turned_on() {
  run_job "" "grep NoNewPrivs /proc/self/status"
  expect_equal "$printed" "NoNewPrivs:	0"
  run_job "    security: {no_new_privileges: true}" "grep NoNewPrivs /proc/self/status"
  expect_equal "$printed" "NoNewPrivs:	1"
}

test_groups_come_in_addition_to_the_users_own() {
  must_be_root
  run_job "    user: '4321:1234'
    groups: [daemon, '777']" "id -G"
  expect_equal "$printed" "1234 $(getent group daemon | cut -d : -f 3) 777"
}

test_an_unknown_group_fails_the_start_and_is_named() {
  run_job "    user: nobody
    groups: [no-such-group]" "echo never"
  [ "$status" != 0 ] || fail "status is 0"
  expect_contains "$(cat log)" "no-such-group"
}

test_without_a_guest_the_keys_of_one_are_left_alone_and_named() {
  local before
  before=$(cat /proc/sys/net/core/somaxconn)
  run_kestrel <<YAML
sysctl: {net.core.somaxconn: $((before + 1))}
mounts: [{source: tmpfs, target: $T/mounted, type: tmpfs}]
exec:
  - {name: job, command: /bin/true, run_once: true}
YAML
  expect_equal "$status" 0
  expect_equal "$(cat /proc/sys/net/core/somaxconn)" "$before"
  [ ! -e mounted ] || fail "the target was made"
  expect_contains "$(cat log)" "leaves these keys alone: mounts, sysctl"
}

harness_main "$@"
