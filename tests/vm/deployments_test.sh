#!/bin/bash
# Deployments: VMs in numbers.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
. "$REPO/tests/support/hostd.sh"
time_limit=360

# A web server that says which version it is, in which VM; `sick` is never healthy, `broken` ends at once.
build_version() {
  more_applets "$1" httpd hostname mkdir
  build_image "$1" <<CONFIG
exec:
  - name: web
    command: /bin/sh
    args: ["-c", "mkdir -p /www && echo $2 >/www/version && { [ $2 != broken ] || exit 1; } && exec httpd -f -p 8080 -h /www"]
    restart: {policy: never}
    on_exit: {failure: shutdown}
    health: {http: {port: 8080, path: /$3, interval: 200ms}, on_failure: none}
CONFIG
}
# Ten requests, one after another, by replica and version.
versions() {
  local number
  for number in 1 2 3 4 5 6 7 8 9 10; do curl --silent --fail --max-time 5 "http://127.0.0.1:$port/version" || echo none; done | sort | uniq -c | xargs
}
published_port() { deployment_json "$1" '.publish[0].host'; }
runners() { ps --no-headers -eo stat,args | grep -c '[h]ostd vm -' || true; }

test_the_flow_of_the_seed_creates_scales_updates_and_deletes() {
  build_version one 1.0.0 version
  build_version two 2.0.0 version
  start_hostd
  cat >deployment.json <<DEPLOYMENT
{"name": "user-api", "plugin": "$T/one", "replicas": 2, "publish": ["0:8080"], "memory": "128M"}
DEPLOYMENT
  expect_equal "$(kestrelctl deployments create -f deployment.json --wait)" user-api
  port=$(published_port user-api)
  expect_equal "$(versions)" "10 1.0.0"
  # In turn: each has served some.
  expect_equal "$(kestrelctl vms list -o json | jq '[.vms[] | select(.vsock.bytes_to_guest > 0)] | length')" 2

  kestrelctl deployments scale user-api --replicas 3 --wait
  expect_equal "$(kestrelctl vms list -q | xargs)" "user-api-1 user-api-2 user-api-3"
  kestrelctl deployments scale user-api --replicas 1 --wait
  wait_until 30 eval '[ "$(runners)" = 1 ]'

  # An update that whoever calls does not notice.
  (while :; do curl --silent --fail --max-time 5 "http://127.0.0.1:$port/version" || echo none; done >served) &
  local caller=$!
  kestrelctl deployments update user-api --image "$T/two" --wait
  kill "$caller"
  expect_lacks "$(cat served)" none
  expect_equal "$(versions)" "10 2.0.0"
  expect_equal "$(deployment_json user-api '[.revision, .healthy, .state] | join(" ")')" "2 1 healthy"
  expect_equal "$(kestrelctl events deployments | jq --raw-output .event | xargs)" \
    "deployment.created deployment.scaled deployment.scaled deployment.updating deployment.updated"

  kestrelctl deployments delete user-api --wait
  expect_equal "$(ask_hostd /v1/vms)" '{"vms":[]}'
  wait_until 5 eval '[ "$(runners)" = 0 ]'
}

test_an_update_that_does_not_get_healthy_is_taken_back_and_nobody_notices() {
  build_version good good version
  build_version sick sick nothing
  build_version broken broken version
  start_hostd
  kestrelctl deployments create --name web --image "$T/good" --memory 128M -p 0:8080 --wait
  port=$(published_port web)
  ask_hostd /v1/deployments/web --request PATCH --data '{"progress_timeout": "15s", "max_failures": 2}' >/dev/null
  expect_status 125 kestrelctl deployments update web --image "$T/sick" --wait 2>err
  expect_contains "$(cat err)" "it is not healthy after 15s"
  expect_equal "$(versions)" "10 good"
  expect_status 125 kestrelctl deployments update web --image "$T/broken" --wait 2>err
  expect_contains "$(cat err)" "2 of its replicas failed"
  expect_equal "$(versions)" "10 good"
  expect_equal "$(deployment_json web '[.state, .revision] | join(" ")')" "healthy 1"
  kestrelctl deployments delete web --wait
}

test_replicas_that_crash_are_replaced_and_only_healthy_ones_serve() {
  build_version one 1.0.0 version
  start_hostd
  kestrelctl deployments create --name web --image "$T/one" --memory 128M --replicas 2 -p 0:8080 --wait
  port=$(published_port web)
  kill -KILL "$(vm_json web-1 .vmm.pid)"
  counts_one() { [ "$(deployment_json web .healthy)" = 1 ]; }
  wait_until 3 counts_one
  expect_equal "$(versions)" "10 1.0.0"
  # hostd is killed meanwhile: what it had begun goes on.
  kill_hostd
  start_hostd
  is_whole() { [ "$(deployment_json web '[.healthy, .state] | join(" ")')" = "2 healthy" ]; }
  wait_until 60 is_whole
  expect_equal "$(published_port web)" "$port"
  expect_equal "$(versions)" "10 1.0.0"
  kestrelctl deployments delete web --wait
}

test_a_connection_to_a_replica_that_goes_is_drained() {
  build_image echo --program "$(command -v socat):/bin/socat" <<'CONFIG'
exec:
  - {name: echo, command: /bin/socat, args: ["TCP-LISTEN:8080,fork,reuseaddr", "EXEC:cat"], ready: {tcp: 8080}}
CONFIG
  start_hostd
  kestrelctl deployments create --name echo --image ./echo -p 0:8080 --wait
  port=$(published_port echo)
  exec 8<>"/dev/tcp/127.0.0.1/$port"
  echo first >&8
  read -r -t 10 answer <&8
  expect_equal "$answer" first
  # The connection is the runner's: hostd's end is nothing to it.
  kill_hostd
  echo second >&8
  read -r -t 10 answer <&8
  expect_equal "$answer" second
  start_hostd 8>&-
  wait_until 10 eval '[ "$(deployment_json echo .healthy)" = 1 ]'
  kestrelctl deployments scale echo --replicas 0
  echo third >&8
  read -r -t 10 answer <&8
  expect_equal "$answer" third
  expect_equal "$(vm_json echo-1 .wanted)" running
  exec 8>&-
  wait_until 9 eval '[ "$(ask_hostd /v1/vms)" = "{\"vms\":[]}" ]'
}

test_eight_guests_survive_what_is_killed_at_random() {
  build_quiet_image quiet
  start_hostd
  kestrelctl deployments create --name many --image "$T/quiet" --memory 96M --replicas 8 --wait --timeout 3m
  local round victim
  for round in 1 2 3 4 5 6 7 8 9 10 11 12; do
    case $((RANDOM % 3)) in
      0) kill_hostd; start_hostd ;;
      1) victim=$(ask_hostd /v1/vms | jq '[.vms[] | .pid // empty]' | jq ".[$((RANDOM % 8))] // empty") ;;
      2) victim=$(ask_hostd /v1/vms | jq '[.vms[] | .vmm.pid // empty]' | jq ".[$((RANDOM % 8))] // empty") ;;
    esac
    [ -z "${victim:-}" ] || kill -KILL "$victim" 2>/dev/null || true
    victim=''
    sleep "0.$((RANDOM % 10))"
  done
  kill_hostd
  start_hostd
  are_whole() { [ "$(deployment_json many '[.healthy, .state] | join(" ")')" = "8 healthy" ]; }
  wait_until 200 are_whole
  expect_equal "$(runners)" 8
  expect_equal "$(ps --no-headers -eo stat,comm | awk '$1 !~ /^Z/' | grep -c kestrel-vm)" 8
  expect_equal "$(kestrelctl vms list -q | wc -l)" 8
  local name
  for name in $(kestrelctl vms list -q); do expect_all_events_of_the_last "$name"; done
  # Numbers without holes, each once.
  expect_equal "$(ask_hostd /v1/events | jq .seq)" "$(seq "$(ask_hostd /v1/events | wc -l)")"
  kestrelctl deployments delete many --wait
  wait_until 5 no_process_but_hostd
}
no_process_but_hostd() { [ "$(runners)" = 0 ] && [ -z "$(ps --no-headers -eo stat,comm | awk '$1 !~ /^Z/' | grep kestrel-vm)" ]; }
# A name may have had several VMs: the last of them.
expect_all_events_of_the_last() {
  local records events
  records=$(jq --raw-output .type "$T/r/vms/$1/events.ndjson")
  events=$(ask_hostd "/v1/events?vm=$1" | jq --raw-output .event | tac | sed '/^vm.created$/q' | tac | tail -n +2)
  expect_equal "$events" "$records" "hostd's events of $1"
}

harness_main "$@"
