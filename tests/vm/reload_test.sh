#!/bin/bash
# Reloading in a guest: by the host, and by SIGHUP to PID 1.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
time_limit=240

has_reloaded() { [ "$(ask_guest /v1/events | grep -c '"vm.reloaded"')" = "$1" ]; }

# The host brings a configuration with one more job; that job changes the guest's own file and has it read again.
test_a_guest_follows_what_the_host_brings_and_its_own_file_on_hang_up() {
  build_image reload <<'YAML'
exec:
  - {name: web, command: /bin/sleep, args: ["1000"]}
  - {name: db, command: /bin/sleep, args: ["2000"]}
YAML
  start_vm reload "$T/reload"
  local web db
  web=$(service web .pid) db=$(service db .pid)
  expect_equal "$(ask_guest /v1/config | cmp - "$T/reload.yaml")" ""

  cat >>"$T/reload.yaml" <<'YAML'
  - name: editor
    command: /bin/sh
    args: ["-c", "busybox sed -i s/1000/1001/ /etc/kestrel/config.yaml; kill -HUP 1"]
    run_once: true
YAML
  ask_guest /v1/config --upload-file "$T/reload.yaml" | jq --exit-status '.plan.added == ["editor"]' >/dev/null
  wait_until 30 has_reloaded 2
  is_restarted() { [ "$(service web .pid)" != "$web" ] && [ "$(service web .state)" = running ]; }
  wait_until 30 is_restarted
  expect_equal "$(service db .pid)" "$db"
  expect_equal "$(ask_guest /v1/services | jq -c '[.services[].name]')" '["web","db"]'
  expect_equal "$(ask_guest /v1/config | grep -c 1001)" 1
  stop_vm
  expect_equal "$status" 0 "exit status"
}

harness_main "$@"
