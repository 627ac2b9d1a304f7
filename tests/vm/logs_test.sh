#!/bin/bash
# What guests print reaches the host to the last line, or the host knows how many are missing.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
time_limit=300

# build_printers LINES LOG: an image of four jobs that print that many lines of 100 bytes each, end, and so end the guest.
build_printers() {
  local name
  {
    echo "exec:"
    for name in a b c d; do
      echo "  - {name: $name, command: /bin/log_source, args: ['$1'], run_once: true, log: {$2}}"
    done
  } >jobs.yaml
  build_image printers --program "$BUILD/support/log_source:/bin/log_source" <jobs.yaml
}

test_services_that_wait_for_the_host_lose_none_of_40_mb_at_power_off() {
  build_printers 100000 "ring: 256K, on_full: block"
  run_vm -q "$T/printers"
  expect_equal "$status" 0 "exit status"
  local name
  for name in a b c d; do
    grep "^\[$name\] " out | awk '$2 != NR { exit 1 } END { exit NR != 100000 }' ||
      fail "lines of $name are missing: $(grep -c "^\[$name\] " out)"
  done
}

test_of_services_that_print_faster_than_the_host_reads_it_knows_the_count_of_lost_lines() {
  build_printers 10000 "ring: 16K"
  launch_vm printers -q "$T/printers"
  wait_until 20 test -e "$(in_vm_folder logs.ndjson)"
  ln "$(in_vm_folder logs.ndjson)" records
  await_end
  expect_equal "$status" 0 "exit status"
  expect_equal "$(jq -s 'map(if .gap then .gap.last - .gap.first + 1 else 1 end) | add' records)" 40000 "lines and gaps"
  expect_equal "$(jq -s 'map(.guest_seq // .gap.last) | . == sort and last == 40000' records)" true "order"
  [ "$(jq -s 'map(select(.gap)) | length' records)" -gt 0 ] || fail "nothing was lost: the test proves nothing"
  # The last words of each are there: what is dropped is the oldest.
  local name
  for name in a b c d; do expect_contains "$(grep "^\[$name\] " out | tail -n 1)" "[$name] 10000 "; done
}

# It is the bytes that count here, and an emulated processor has its time for no more than a few long lines.
test_four_services_that_print_100_mb_each_and_end_leave_every_line_or_the_count_of_the_lost() {
  local name
  {
    echo "exec:"
    for name in a b c d; do
      cat <<'CONFIG' | sed "s/NAME/$name/g"
  - name: NAME
    run_once: true
    command: /bin/sh
    args:
      - -c
      - |
        line=. i=0
        while [ ${#line} -lt 16000 ]; do line=$line$line; done
        while [ $i -lt 64 ]; do i=$((i + 1)); echo ${line:0:16000}; done >/tmp/NAME
        while [ $i -lt 164 ]; do i=$((i + 1)); cat /tmp/NAME; done
        echo end
CONFIG
    done
  } >jobs.yaml
  build_image printers <jobs.yaml
  run_vm "$T/printers"
  expect_equal "$status" 0 "exit status"
  local shown lost
  shown=$(grep -c '^\[[abcd]\] [.e]' out)
  lost=$(cat out err | sed -n "s/^kestrelctl: \([0-9]*\) lines* of the guest's log lost$/\1/p" | awk '{ sum += $1 } END { printf "%d", sum }')
  echo "$shown lines are here, $lost are known as lost"
  expect_equal "$((shown + lost))" 25604 "lines"
  for name in a b c d; do expect_equal "$(grep "^\[$name\] " out | tail -n 1)" "[$name] end"; done
}

test_the_guests_own_log_on_its_console_has_no_colour_codes() {
  build_image plain <<'CONFIG'
exec:
  - {name: stay, command: /bin/sleep, args: ["1000"]}
CONFIG
  start_vm plain "$T/plain"
  local console
  console=$(cat "$(in_vm_folder console.log)")
  expect_contains "$console" "info  vm.healthy"
  expect_lacks "$console" $'\e['
}

harness_main "$@"
