#!/bin/bash
# What a process finds around it: user, environment, folder, signals, descriptors.
source "$(dirname "$0")/../support/harness.sh"
source "$(dirname "$0")/kestrel.sh"

test_user_group_and_supplementary_groups_are_the_accounts() {
  [ "$(id -u)" = 0 ] || skip "not root"
  run_job "    user: nobody" "id -u; id -g; id -G; echo \$HOME \$USER \$LOGNAME \$SHELL"
  local passwd
  passwd=$(getent passwd nobody)
  IFS=: read -r _ _ uid gid _ home shell <<<"$passwd"
  expect_equal "$printed" "$uid
$gid
$gid
$home nobody nobody $shell"
}

test_a_user_may_be_a_number_with_a_group() {
  [ "$(id -u)" = 0 ] || skip "not root"
  run_job "    user: '4321:1234'" "id -u; id -g"
  expect_equal "$printed" "4321
1234"
}

test_an_unknown_user_fails_the_start_and_is_named() {
  run_job "    user: nobody-of-that-name" "echo never"
  [ "$status" != 0 ] || fail "status is 0"
  expect_equal "$printed" ""
  expect_contains "$(cat log)" "nobody-of-that-name"
}

test_working_folder_and_umask_are_applied() {
  mkdir here
  run_job "    working_dir: $T/here
    umask: '027'" "pwd; umask"
  expect_equal "$printed" "$T/here
0027"
}

test_a_missing_working_folder_fails_the_start_with_its_stage() {
  run_job "    working_dir: $T/none" "echo never"
  expect_equal "$printed" ""
  expect_contains "$(cat log)" "working_dir"
}

test_the_environment_has_values_from_the_file_and_the_vm() {
  printf 'secret\n' >key
  export FROM_OUTSIDE=outside
  run_job "    env:
      - {name: PLAIN, value: 'a b'}
      - {name: KEY, value_from: 'file:$T/key'}
      - {name: FROM_OUTSIDE, value_from: env}
      - {name: UNSET_OUTSIDE, value_from: env, default: fallback}" \
    "echo \$PLAIN/\$KEY/\$FROM_OUTSIDE/\$UNSET_OUTSIDE"
  expect_equal "$printed" "a b/secret/outside/fallback"
}

test_a_variable_of_the_service_beats_that_for_all_which_beats_the_account_and_what_was_inherited() {
  [ "$(id -u)" = 0 ] || skip "not root"
  export INHERITED=outside ALL=outside OWN=outside
  run_kestrel <<'YAML'
env: [{name: ALL, value: all}, {name: OWN, value: all}, {name: LOGNAME, value: all}]
exec:
  - name: job
    command: /bin/sh
    args: ["-c", "echo $INHERITED $ALL $OWN $LOGNAME $HOME"]
    user: nobody
    env: {OWN: own, HOME: /own}
    run_once: true
YAML
  expect_contains "$(cat log)" "[job] outside all own all /own"
}

test_files_of_variables_are_read_and_only_those_with_a_hyphen_may_be_missing() {
  printf '# comment\nexport FROM_FILE="of a file"\n' >variables
  printf '%s\n' "env_files: [-$T/none, $T/variables]" \
    'exec: [{name: job, command: /bin/sh, args: ["-c", "echo $FROM_FILE"], run_once: true,' \
    '        env: [{name: FROM_FILE, value_from: env}]}]' | run_kestrel
  expect_contains "$(cat log)" "[job] of a file"
  printf '%s\n' "env_files: [$T/none]" 'exec: [{name: job, command: /bin/true, run_once: true}]' >config.yaml
  local status=0
  "$BUILD/kestrel" run -c config.yaml 2>log || status=$?
  [ "$status" != 0 ] || fail "status is 0"
  expect_contains "$(cat log)" "$T/none: No such file or directory"
}

test_a_variable_that_is_nowhere_fails_the_start_and_is_named() {
  run_job "    env: [{name: NOWHERE_TO_BE_FOUND, value_from: env}]" "echo never"
  [ "$status" != 0 ] || fail "status is 0"
  expect_contains "$(cat log)" "NOWHERE_TO_BE_FOUND"
}

test_a_process_starts_with_plain_signals_and_three_descriptors() {
  trap '' USR1 HUP
  run_kestrel <<'YAML'
exec:
  - {name: signals, command: /bin/grep, args: ["-E", "^Sig(Blk|Ign)", /proc/self/status], run_once: true}
  - {name: descriptors, command: /bin/sh, args: ["-c", "ls /proc/$$/fd"], run_once: true}
YAML
  expect_equal "$(sed -n 's/^\[signals\] //p' log)" "SigBlk:	0000000000000000
SigIgn:	0000000000000000"
  expect_equal "$(sed -n 's/^\[descriptors\] //p' log)" "0
1
2"
}

test_stdin_is_empty_and_not_the_supervisors() {
  run_job "" "cat; readlink /proc/\$\$/fd/0"
  expect_equal "$printed" "/dev/null"
}

harness_main "$@"
