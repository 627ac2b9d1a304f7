#!/bin/bash
# What becomes of what processes print: rings, files, producers that wait, and the end.
source "$(dirname "$0")/../support/harness.sh"
source "$(dirname "$0")/kestrel.sh"

source_of() { echo "command: $BUILD/support/log_source, args: [\"$1\", \"${2:-100}\"]"; }
lines_of() { api "/v1/logs?service=$1" | jq --raw-output 'select(.line) | .line'; }

# no_line_is_missing FILE...: they hold the lines of log_source from the first to the last, in order.
no_line_is_missing() {
  cat "$@" | awk -v last="$lines" '$3 != NR { exit 1 } END { exit NR != last }'
}

test_lines_go_to_the_file_with_time_and_stream_and_are_rotated() {
  lines=50000
  run_kestrel <<YAML
exec:
  - {name: web, $(source_of $lines), run_once: true, log: {file: $T/var/log/web.log, rotate: {size: 1M, keep: 9}}}
YAML
  expect_equal "$status" 0
  no_line_is_missing var/log/web.log.{6,5,4,3,2,1} var/log/web.log || fail "lines are missing: $(wc -l var/log/*)"
  grep -qE '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z stdout 1 \.+$' var/log/web.log.6
  expect_equal "$(find var/log -name 'web.log*' -size +1024k)" "" "files beyond their size"
  expect_equal "$(stat -c %a var/log/web.log)" 640
}

test_no_more_files_are_kept_than_asked_for() {
  run_kestrel <<YAML
exec:
  - {name: web, $(source_of 50000), run_once: true, log: {file: $T/web.log, rotate: {size: 64K, keep: 2}}}
YAML
  expect_equal "$(ls web.log* | tr '\n' ' ')" "web.log web.log.1 web.log.2 "
}

test_a_full_disk_loses_lines_of_the_file_only_and_says_how_many() {
  mkdir disk
  mount -t tmpfs -o size=256k kestrel-test disk 2>/dev/null || skip "cannot mount"
  mkfifo more
  start_kestrel <<YAML
exec:
  - name: web
    command: /bin/sh
    args: ["-c", "$BUILD/support/log_source 5000; echo filled; read go <more; echo and on"]
    working_dir: $T
    run_once: true
    log: {file: $T/disk/web.log, ring: 1M}
  - {name: other, command: /bin/sleep, args: ["1000"]}
YAML
  wait_until 20 log_has "[web] filled"
  wait_until 5 log_has "cannot write to $T/disk/web.log: No space left on device"
  expect_equal "$(lines_of web | wc -l)" 5001 "lines in the ring"
  await_state other running
  local written
  written=$(wc -l <disk/web.log)
  expect_equal "$(tail -c 1 disk/web.log | od -An -c | tr -d ' ')" '\n' "the end of the file"
  mount -o remount,size=4m disk
  sleep 1.1 # after a second it is tried again
  echo >more
  wait_until 10 log_has "$T/disk/web.log can be written again; $((5001 - written)) lines are not in it"
  expect_equal "$(tail -n 1 disk/web.log | cut -d ' ' -f 2-)" "stdout and on"
  expect_equal "$(grep -c 'cannot write to' log)" 1 "warnings"
}

test_a_producer_that_must_not_lose_lines_waits_for_the_reader_of_standard_error() {
  lines=30000
  cat >config.yaml <<YAML
exec:
  - {name: web, $(source_of $lines), run_once: true, log: {ring: 64K, on_full: block}}
YAML
  mkfifo pipe
  unshare --pid --mount-proc --fork --kill-child "$BUILD/kestrel" run -c config.yaml --api "unix:$T/api.sock" 2>pipe &
  launcher=$!
  exec 9<pipe
  wait_until 10 test -S api.sock
  # It stands still: with nobody reading, 64 KiB are in the ring, as much is in each pipe and queue.
  stands_still() {
    local before
    before=$(api "/v1/logs?lines=1" | jq .seq)
    sleep 0.3
    [ "$before" -gt 500 ] && [ "$before" -lt 6000 ] && [ "$before" = "$(api "/v1/logs?lines=1" | jq .seq)" ]
  }
  wait_until 20 stands_still
  expect_equal "$(service web .state)" running
  cat <&9 >log
  await_end
  expect_equal "$status" 0
  sed -n 's/^\[web\]/x x/p' log >shown
  no_line_is_missing shown || fail "lines are missing: $(wc -l <shown)"
  expect_lacks "$(grep -v '^\[web\]' log)" dropped
}

test_a_producer_that_waits_is_stopped_as_fast_as_any_other() {
  cat >config.yaml <<YAML
exec:
  - {name: web, $(source_of 1000000), log: {ring: 64K, on_full: block}}
  - {name: other, command: /bin/sleep, args: ["1000"]}
YAML
  mkfifo pipe
  unshare --pid --mount-proc --fork --kill-child "$BUILD/kestrel" run -c config.yaml --api "unix:$T/api.sock" 2>pipe &
  launcher=$!
  exec 9<pipe
  wait_until 10 test -S api.sock
  wait_until 10 eval 'api "/v1/logs?service=web&lines=1" | grep -q line'
  api /v1/services/web/stop -X POST >/dev/null
  wait_until 9 is_in_state web stopped
  kestrel=$(children_of "$launcher")
  kill -TERM "$kestrel"
  await_end
  expect_equal "$status" 0
}

test_a_slow_reader_of_standard_error_is_told_how_many_lines_it_missed() {
  lines=100000
  cat >config.yaml <<YAML
exec:
  - {name: web, $(source_of $lines), run_once: true, log: {ring: 64K}}
  - {name: last, command: /bin/sleep, args: ["1"], run_once: true, depends_on: [web]}
YAML
  mkfifo pipe
  "$BUILD/kestrel" run -c config.yaml 2>pipe &
  launcher=$!
  exec 9<pipe
  sleep 0.5
  cat <&9 >log
  await_end
  local shown missed
  shown=$(grep -c '^\[web\] ' log)
  missed=$(sed -nE 's/^\(([0-9]+) lines dropped: .*/\1/p' log | awk '{ sum += $1 } END { print sum + 0 }')
  expect_equal $((shown + missed)) "$lines" "lines shown ($shown) and told as missing ($missed)"
}

test_a_batch_ends_with_all_its_lines_shown() {
  lines=20000
  cat >config.yaml <<YAML
exec:
  - {name: web, $(source_of $lines), run_once: true, log: {ring: 4M}}
YAML
  "$BUILD/kestrel" run -c config.yaml 2>&1 >/dev/null | (sleep 0.5; sed -n 's/^\[web\]/x x/p') >shown
  no_line_is_missing shown || fail "lines are missing: $(wc -l <shown)"
}

test_a_service_that_closes_its_output_goes_on() {
  start_kestrel <<'YAML'
exec:
  - {name: web, command: /bin/sh, args: ["-c", "printf 'no newline'; exec >&- 2>&-; exec sleep 1000"]}
YAML
  wait_until 10 log_has "[web] no newline"
  expect_equal "$(service web .state)" running
  # A closed pipe would be readable for ever.
  local before
  before=$(awk '{ print $14 + $15 }' "/proc/$kestrel/stat")
  sleep 0.5
  [ $(($(awk '{ print $14 + $15 }' "/proc/$kestrel/stat") - before)) -lt 10 ] || fail "kestrel is busy"
}

test_a_grandchild_that_keeps_the_pipe_holds_up_neither_the_stop_nor_the_end() {
  start_kestrel <<YAML
exec:
  - name: web
    command: /bin/sh
    args: ["-c", "setsid sh -c 'trap \"\" TERM; echo here; while echo still; do sleep 0.1; done; echo closed >$T/closed; sleep 1000' & exec sleep 1000"]
    stop: {timeout: 1s}
  - {name: other, command: /bin/sleep, args: ["1000"]}
YAML
  wait_until 10 log_has "[web] still"
  api /v1/services/web/stop -X POST >/dev/null
  wait_until 5 is_in_state web stopped
  kill -TERM "$kestrel"
  await_end
  expect_equal "$status" 0
}

test_a_line_of_a_megabyte_is_split_and_garbage_breaks_nothing() {
  head -c 300000 /dev/urandom >garbage
  run_kestrel <<YAML
exec:
  - {name: long, command: /bin/sh, args: ["-c", "head -c 1048576 /dev/zero | tr '\\\\0' x"], run_once: true, log: {ring: 2M}}
  - {name: wild, command: /bin/cat, args: [$T/garbage], run_once: true, depends_on: [long], log: {file: $T/wild.log, ring: 1M}}
YAML
  expect_equal "$status" 0
  expect_equal "$(grep -ac '^\[long\] x*$' log)" 64 "pieces"
  # Without the 32 bytes before each line and the newlines, both are the same but for splits.
  expect_equal "$(LC_ALL=C sed 's/^.\{32\}//' wild.log | tr -d '\n' | md5sum)" "$(tr -d '\n' <garbage | md5sum)"
}

test_a_flood_does_not_keep_the_api_from_answering_and_memory_stays_bounded() {
  {
    echo "exec:"
    for i in 1 2 3 4; do
      echo "  - {name: flood$i, command: /usr/bin/yes, args: [$(printf '%099d' 0)], log: {ring: 64M}}"
    done
  } >floods.yaml
  "$BUILD/kestrel" run -c floods.yaml --api "unix:$T/api.sock" 2>/dev/null &
  kestrel=$!
  wait_until 10 test -S api.sock
  for _ in $(seq 50); do api /v1/health --max-time 5 >/dev/null; done
  full() { [ "$(api "/v1/services/flood1" | jq .log_dropped)" != 0 ] || [ "$(api '/v1/logs?lines=1' | jq .seq)" -gt 300000 ]; }
  wait_until 20 full
  local resident
  resident=$(awk '/^VmRSS/ { print $2 }' "/proc/$kestrel/status")
  [ "$resident" -lt $((24 * 1024)) ] || fail "kestrel has $resident KiB"
  kill -TERM "$kestrel"
  wait "$kestrel"
}

test_the_api_counts_a_services_lines() {
  start_kestrel <<YAML
exec:
  - {name: web, $(source_of 5000), run_once: true}
  - {name: other, command: /bin/sleep, args: ["1000"]}
YAML
  await_state web completed
  expect_equal "$(service web .log_lines)" 5000
  expect_equal "$(service web .log_dropped)" 0 "lines dropped before standard error took them"
}

harness_main "$@"
