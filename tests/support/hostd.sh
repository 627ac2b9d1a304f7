# hostd.sh: the daemon, for tests that source harness.sh and vm.sh. A test has one, with its state in $T/state.

# start_hostd [ARGUMENT...]: returns when it serves; its pid is in $hostd.
start_hostd() {
  KESTREL_RUNTIME_DIR=$T/r KESTREL_ACCEL=tcg "$BUILD/hostd" serve "$@" >>"$T/hostd.log" 2>&1 &
  hostd=$!
  wait_until 10 ask_hostd /v1/health
}
kill_hostd() {
  kill -KILL "$hostd"
  wait "$hostd" 2>/dev/null || true
}
ask_hostd() { curl --silent --show-error --fail-with-body --unix-socket "$T/r/hostd.sock" "http://hostd$1" "${@:2}"; }

# vm_json NAME FILTER: what jq makes of hostd's word about a VM.
vm_json() { ask_hostd "/v1/vms/$1" | jq --raw-output "$2"; }
vm_is() { [ "$(vm_json "$1" .state)" = "$2" ]; }
deployment_json() { ask_hostd "/v1/deployments/$1" | jq --raw-output "$2"; }

# The runner's records of a run have become hostd's events, each of them one: as many as there are records.
expect_all_events() {
  local records events
  records=$(cat "$T/r/vms/$1"/events.ndjson* | jq --raw-output .type | sed 's/^vm.crashed$/vm.stopped/')
  events=$(ask_hostd "/v1/events?vm=$1" | jq --raw-output .event | grep -v -x -e vm.created | sed 's/^vm.crashed$/vm.stopped/')
  expect_equal "$events" "$records" "hostd's events of $1"
}

# A guest that is healthy soon after its boot, and whose service can be counted on to do nothing.
build_quiet_image() {
  build_image "$1" "${@:2}" <<'CONFIG'
exec:
  - {name: idle, command: /bin/sleep, args: ["100000"]}
CONFIG
}
