#!/bin/bash
# What a guest tells reaches whoever reads it, over the ends of guests and of readers.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
time_limit=240

# Appends the VM's events to `seen`, going on behind the last one there, as $reader.
start_reader() {
  local last
  last=$(tail -n 1 seen | jq .seq)
  KESTREL_RUNTIME_DIR=$T/r "$BUILD/kestrelctl" events -f -o json --after "$run_id:${last:-0}" "$vm" >>seen &
  reader=$!
}
# Killed in the middle of whatever it does; a line that it had not finished is not kept.
kill_reader() {
  kill -KILL "$reader"
  wait "$reader" || true
  sed -i '/}$/!d' seen
}
count() { jq -r .type seen | grep -cx "$1"; }
has_booted() { [ "$(jq -r .type "$(in_vm_folder events.ndjson)" | grep -cx vm.healthy)" -ge "$1" ]; }

test_each_power_off_of_a_guest_is_told_once_to_a_reader_that_is_killed_in_between() {
  build_image web <<'CONFIG'
exec:
  - {name: web, command: /bin/sleep, args: ["100000"]}
CONFIG
  kestrelctl run -q -d --name web "$T/web"
  vm=web
  : >seen
  run_id=$(ask_runner /v1/vm | jq --raw-output .runtime_id)
  start_reader
  local boot
  for boot in 2 3 4; do
    ask_guest /v1/power -X POST -d '{"action":"reboot"}' >reply
    # Before, in and after the end of the guest.
    [ "$boot" = 2 ] || kill_reader
    wait_until 60 has_booted "$boot"
    [ "$boot" = 2 ] || start_reader
  done
  kestrelctl stop web >stopped
  wait "$reader"
  expect_equal "$(count vm.exited)" 4 "last words"
  expect_equal "$(count vm.linked)" 4 "boots"
  expect_equal "$(jq -r 'select(.type == "vm.exited") | "\(.status) \(.action)"' seen | sort | uniq -c | xargs)" \
    "3 0 reboot 1 0 shutdown" "how they ended"
  expect_equal "$(jq -r 'select(.type == "vm.linked").boot_id' seen | sort -u | wc -l)" 4 "boot ids"
  # Each record once, none missing.
  expect_equal "$(jq .seq seen | xargs)" "$(seq -s ' ' "$(wc -l <seen)")" "numbers"
  expect_equal "$(tail -n 1 seen | jq -r .type)" vm.stopped "the last event"
  # And afterwards, from the files.
  expect_equal "$(kestrelctl events web -o json --after "$run_id:$(($(wc -l <seen) - 1))" | jq -r .type)" vm.stopped
  expect_status 125 kestrelctl events web --after "another:1" 2>err
  expect_contains "$(cat err)" "this is another run, $run_id: its records begin anew"
}

harness_main "$@"
