#!/bin/bash
# User-data: what a host has a guest write and run besides its configuration.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
time_limit=240

guest_file() { ask_guest "/v1/files?path=$1"; }
steps_are() { [ "$(guest_file /run/steps | tr '\n' ' ')" = "$1 " ]; }

test_user_data_write_files_before_env_files_are_read_name_the_guest_and_run_commands_around_its_services() {
  more_applets cloud hostname stat
  mkdir -p cloud.root/etc
  echo 'PASSWORD=of-the-image' >cloud.root/etc/environment
  build_image cloud <<'CONFIG'
hostname: of-the-config
hooks:
  pre_start: [{command: /bin/sh, args: [-c, echo pre_start >>/run/steps]}]
  post_start: [{command: /bin/sh, args: [-c, echo post_start >>/run/steps]}]
exec:
  - name: db
    command: /bin/sh
    args:
      - -c
      - |
        echo service >>/run/steps
        echo $PASSWORD; hostname; stat -c '%a %u %g' /app/conf/key; cat /app/conf/key
        echo up; exec sleep 1000
    env: [{name: PASSWORD, value_from: env}]
    ready: {log: ^up$}
CONFIG
  cat >user-data <<'USER_DATA'
#cloud-config
hostname: of-the-user-data
packages: [nginx]
write_files:
  - path: /etc/environment
    content: |
      PASSWORD=of-the-host
  - {path: /app/conf/key, encoding: b64, content: c2VjcmV0Cg==, permissions: '0440', owner: '12:34'}
bootcmd:
  - test -e /app/conf/key && echo bootcmd >>/run/steps
runcmd:
  - [sh, -c, exit 3]
  - [sh, -c, "echo runcmd >>/run/steps; echo said by runcmd"]
USER_DATA
  start_vm cloud --cloud-init user-data "$T/cloud"
  wait_until 20 steps_are "bootcmd pre_start service post_start runcmd"
  expect_equal "$(printed_by db)" "of-the-host
of-the-user-data
440 12 34
secret
up"
  expect_contains "$(cat "$(in_vm_folder console.log)")" "user-data:3:1: unknown key 'packages'"
  # The same configuration again changes nothing: the commands do not count as its hooks.
  ask_guest "/v1/config?dry_run=1" -X PUT --data-binary @cloud.yaml >plan
  expect_equal "$(jq -c '[.plan.guest, .plan.needs_boot, .plan.unchanged]' plan)" '[[],[],["db"]]'
  stop_vm
  expect_equal "$status" 0 "exit status"
}

test_wrong_user_data_end_the_guest_with_78_and_a_file_that_cannot_be_written_ends_it_with_1() {
  build_image refused <<'CONFIG'
exec: [{name: stay, command: /bin/sleep, args: ["1000"]}]
CONFIG
  printf '#cloud-config\nwrite_files:\n  - {path: etc/a}\n  - {path: /b, encoding: gz}\n' >user-data
  run_vm --cloud-init user-data "$T/refused"
  expect_equal "$status" 78 "exit status"
  expect_contains "$(cat err)" "user-data:3:12: 'path' expects an absolute path, found 'etc/a'"
  expect_contains "$(cat err)" "user-data:4:26: 'encoding' gz is not supported"

  printf '#cloud-config\nwrite_files: [{path: /a, owner: nobody-knows}]\n' >user-data
  run_vm --cloud-init user-data "$T/refused"
  expect_equal "$status" 1 "exit status"
  expect_contains "$(cat err)" "cannot write /a: "
  expect_nothing_left
}

harness_main "$@"
