#!/bin/bash
# The daemon: VMs that it makes and finds again.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
. "$REPO/tests/support/hostd.sh"
time_limit=240
site=$BUILD/images/static-site

test_a_vm_of_hostds_lives_from_create_to_delete() {
  start_hostd
  expect_equal "$(kestrelctl vms create web --plugin "$site" -p 0:8080)" web
  local address port first
  address=$(kestrelctl vms get web -o json | jq --raw-output .ip)
  port=$(vm_json web '.ports[0].host')
  curl --silent --fail --output /dev/null "http://$address:$port/"
  expect_contains "$(kestrelctl vms list)" "healthy"
  expect_contains "$(kestrelctl vms get web)" "static-site"

  kestrelctl vms pause web
  wait_until 5 vm_is web paused
  kestrelctl vms resume web
  wait_until 5 vm_is web healthy

  first=$(vm_json web .runtime_id)
  expect_equal "$(kestrelctl vms restart web)" web
  [ "$(vm_json web .runtime_id)" != "$first" ] || fail "the restarted VM is the same run"
  expect_all_events_of_two_runs

  expect_equal "$(kestrelctl vms stop web)" web
  expect_equal "$(vm_json web '[.state, .wanted, .outcome.status] | join(" ")')" "stopped stopped 0"
  expect_contains "$(kestrelctl logs web)" "[caddy] "
  ask_hostd /v1/vms/web --request PATCH --data '{"memory": "160M", "ports": null}' >/dev/null
  expect_equal "$(vm_json web .memory_bytes)" $((160 << 20))
  expect_equal "$(kestrelctl vms delete web)" web
  expect_equal "$(ask_hostd /v1/vms)" '{"vms":[]}'
  expect_equal "$(kestrelctl events vms | jq --raw-output .event | tail -n 2 | xargs)" "vm.stopped vm.deleted"
  kill -TERM "$hostd"
  wait "$hostd"
  expect_nothing_left
}
expect_all_events_of_two_runs() {
  expect_equal "$(ask_hostd "/v1/events?kind=vms" | jq --raw-output .event | grep -c -x vm.started)" 2
  expect_equal "$(ask_hostd "/v1/events?kind=vms" | jq --raw-output .event | grep -c -x vm.stopped)" 1
}

test_the_events_of_the_seed_lead_to_the_address_of_each_vm_that_starts() {
  build_quiet_image user-api
  start_hostd
  kestrelctl events vms --watch >watched &
  kestrelctl vms create one --plugin "$T/user-api" -p 127.0.0.2:0:80 --wait healthy
  kestrelctl vms create two --plugin "$T/user-api" -p 127.0.0.3:0:80 --wait healthy
  addresses() { jq --raw-output 'select(.event=="vm.started" and .plugin=="user-api") | .ip' watched | xargs; }
  both_are_told() { [ "$(addresses)" = "127.0.0.2 127.0.0.3" ]; }
  wait_until 10 both_are_told
  # Nothing more happens to guests that are healthy.
  all_is_watched() { [ "$(jq .seq watched | tail -n 1)" = "$(ask_hostd "/v1/events?kind=vms" | jq .seq | tail -n 1)" ]; }
  wait_until 10 all_is_watched

  # Whoever comes back goes on behind what he has seen; browsers do so by themselves.
  local last
  last=$(jq .seq watched | tail -n 1)
  expect_equal "$(kestrelctl events vms --after "$last")" ""
  ask_hostd "/v1/events?kind=vms" --header 'Accept: text/event-stream' --header 'Last-Event-ID: 1' >stream
  expect_equal "$(head -n 1 stream)" "id: 2"
  expect_contains "$(sed -n 2p stream)" 'data: {"seq":2,'
  kestrelctl vms delete --force one
  kestrelctl vms delete --force two
}

test_hostd_may_be_killed_at_any_moment_and_no_event_is_lost_or_told_twice() {
  build_image restless <<'CONFIG'
exec:
  - name: restless
    command: /bin/sh
    args: ["-c", "sleep 0.05; exit 1"]
    restart: {policy: always, backoff: {initial: 10ms, factor: 1, max: 10ms}}
CONFIG
  start_hostd
  kestrelctl vms create vm --image "$T/restless" --wait started
  local round
  for round in 1 2 3 4 5 6 7 8 9 10; do
    sleep "0.$((RANDOM % 4))$((RANDOM % 10))"
    kill_hostd
    start_hostd
  done
  kestrelctl vms stop vm
  # The kernel of a guest under emulation is slow; some of these services have run all the same.
  [ "$(ask_hostd "/v1/events?kind=services" | wc -l)" -gt 20 ] || fail "there were hardly any events"
  expect_all_events vm
  expect_equal "$(ask_hostd /v1/events | jq .seq | uniq | wc -l)" "$(ask_hostd /v1/events | wc -l)"
}

test_a_vm_that_ends_while_no_hostd_runs_is_told_of_by_the_next() {
  start_hostd
  kestrelctl vms create job --image "$BUILD/images/batch" --wait none
  wait_until 10 test -S "$T/r/vms/job/runner.sock"
  kill_hostd
  wait_until 60 test -f "$T/r/vms/job/exit.json"
  start_hostd
  wait_until 5 vm_is job crashed
  expect_equal "$(vm_json job .outcome.status)" 7
  expect_all_events job
  expect_equal "$(ask_hostd "/v1/events?vm=job" | jq --raw-output .event | tail -n 1)" vm.crashed
}

test_vms_that_were_wanted_begin_again_after_the_host_did() {
  build_quiet_image quiet
  start_hostd
  kestrelctl vms create on --image "$T/quiet" --wait started
  kestrelctl vms create off --image "$T/quiet" --no-start
  local runner
  runner=$(vm_json on .pid)
  kill_hostd
  kill -KILL "$runner"
  wait_until 10 no_process_is_left
  rm -rf "$T/r"
  start_hostd
  kestrelctl vms wait on --for healthy --timeout 60s
  expect_equal "$(vm_json off .state)" created
  expect_contains "$(ask_hostd "/v1/events?vm=on" | jq --raw-output 'select(.event == "vm.crashed").message')" "the host was restarted"
  kestrelctl vms delete --force on
}

test_a_vm_whose_runner_does_not_answer_is_unknown_and_left_alone() {
  build_quiet_image quiet
  start_hostd
  kestrelctl vms create vm --image "$T/quiet" --wait started
  local runner vmm
  runner=$(vm_json vm .pid)
  vmm=$(vm_json vm .vmm.pid)
  kill -STOP "$runner"
  kill_hostd
  start_hostd
  wait_until 10 vm_is vm unknown
  kill -0 "$vmm"
  expect_status 125 kestrelctl vms delete vm 2>err
  expect_contains "$(cat err)" "cannot delete vm: it is unknown"
  kill -CONT "$runner"
  wait_until 10 vm_is vm healthy
  expect_equal "$(vm_json vm .pid)" "$runner"

  kill -STOP "$runner"
  kill_hostd
  start_hostd
  wait_until 10 vm_is vm unknown
  expect_equal "$(kestrelctl vms stop --force vm)" vm
  wait_until 5 no_vmm_is_left
  expect_contains "$(vm_json vm .outcome.message)" "its runner died"
}
no_vmm_is_left() { [ -z "$(ps --no-headers -eo stat,comm | awk '$1 !~ /^Z/' | grep -E 'kestrel-vm|qemu-system')" ]; }

test_what_kills_a_vm_shows_in_its_state_within_two_seconds() {
  build_quiet_image quiet
  start_hostd
  kestrelctl vms create one --image "$T/quiet" --wait none
  kestrelctl vms create two --image "$T/quiet" --wait started
  kestrelctl vms wait one --for healthy
  kill -KILL "$(vm_json one .pid)"
  wait_until 2 vm_is one crashed
  expect_equal "$(vm_json one '[.outcome.status, .outcome.message] | join(" ")')" "125 its runner died without a word"
  kill -KILL "$(vm_json two .vmm.pid)"
  wait_until 2 vm_is two crashed
  expect_equal "$(vm_json two '[.outcome.status, .outcome.message] | join(" ")')" "124 QEMU was killed by SIGKILL"
  wait_until 5 no_vmm_is_left
  expect_all_events two
  # It can be started again, and its records begin anew.
  kestrelctl vms start two
  kestrelctl vms delete --force two
  kestrelctl vms delete one
}

test_a_guest_that_floods_costs_hostd_no_memory_and_nobody_else_an_answer() {
  build_image flood <<'CONFIG'
exec:
  - {name: lines, command: /bin/yes, args: ["a line of a flood that goes on and on and on"]}
  - name: events
    command: /bin/sh
    args: ["-c", "exit 1"]
    restart: {policy: always, backoff: {initial: 1ms, factor: 1, max: 1ms}}
CONFIG
  start_hostd
  kestrelctl vms create flood --image "$T/flood" --wait started
  local round
  for round in 1 2 3 4 5 6 7 8 9 10; do
    expect_contains "$(ask_hostd /v1/health --max-time 2)" healthy
    sleep 0.5
  done
  [ "$(awk '/^RssAnon/ { print $2 }' "/proc/$hostd/status")" -lt 16384 ] || fail "hostd has grown: $(grep Rss "/proc/$hostd/status")"
  [ "$(du -sk "$T/r/vms/flood" | cut -f 1)" -lt 65536 ] || fail "its files have grown: $(du -a "$T/r/vms/flood")"
  kestrelctl vms delete --force flood
}

test_ports_can_be_led_into_a_vm_that_runs_already() {
  start_hostd
  kestrelctl vms create web --image "$site"
  # Not as a function, of which $! would be the shell that waits for it.
  KESTREL_RUNTIME_DIR=$T/r "$BUILD/kestrelctl" vms forward web 0:8080 >forwarded &
  local forward=$! port
  wait_until 5 test -s forwarded
  port=$(sed -E 's/.*:([0-9]+) → 8080/\1/' forwarded)
  curl --silent --fail --output /dev/null "http://127.0.0.1:$port/"
  expect_contains "$(kestrelctl vms console web)" "Linux version"
  expect_contains "$(kestrelctl vms exec web -- /init --version)" "$(cat "$REPO/VERSION")"
  kestrelctl vms stop web
  # It ends with the VM.
  wait "$forward"
}

test_images_that_hostd_may_need_are_kept() {
  "$BUILD/kestrelctl" images install "$site" >/dev/null
  start_hostd
  local image
  image=$(ask_hostd /v1/images | jq --raw-output '.images[0] | .reference // "\(.name):\(.version)"')
  kestrelctl vms create web --image "$image" --no-start
  expect_contains "$(ask_hostd "/v1/images/$image" --request DELETE || true)" "409"
  kill_hostd
  expect_status 125 kestrelctl images rm "$image" 2>err
  expect_contains "$(cat err)" "web"
  start_hostd
  kestrelctl vms delete web
  ask_hostd "/v1/images/$image" --request DELETE >/dev/null
  expect_equal "$(ask_hostd /v1/images | jq -c .images)" "[]"
}

test_an_image_that_is_sent_is_installed_or_refused_with_its_fault() {
  start_hostd
  # VMs of other tests link the files themselves, which tar would take for a change.
  cp -r "$site" site
  tar czf site.tar.gz -C site .
  expect_equal "$(ask_hostd /v1/images --upload-file site.tar.gz --request POST | jq --raw-output .name)" static-site
  kestrelctl vms create web --image static-site --wait healthy
  kestrelctl vms delete --force web
  head --bytes=100000 site.tar.gz >half.tar.gz
  expect_contains "$(ask_hostd /v1/images --upload-file half.tar.gz --request POST 2>/dev/null || true)" '"detail":"cannot install the image: '
  # A client that goes away in the middle leaves nothing.
  timeout 1 curl --silent --unix-socket r/hostd.sock http://hostd/v1/images --request POST --upload-file - < <(cat half.tar.gz && sleep 5) || true
  expect_equal "$(find state/images -name 'upload*')" ""
  expect_equal "$(ask_hostd /v1/images | jq '.images | length')" 1
}

# --- what hostd refuses -------------------------------------------------------------------------------------------------

refusal_of() {
  local status=0
  kestrelctl "$@" 2>&1 || status=$?
  echo "status $status"
}

test_bad_requests_are_refused_with_what_is_wrong() {
  start_hostd
  expect_contains "$(refusal_of vms create ../x --image "$site")" 'is no name for a VM'
  expect_contains "$(refusal_of vms create x --image nothing)" "cannot"
  expect_contains "$(refusal_of vms create x --image "$site" --memory much)" 'cannot use memory `much`'
  expect_contains "$(refusal_of vms start nobody)" "there is no VM nobody"
  expect_equal "$(ask_hostd /v1/vms --data '{"image":"x","memroy":"1G"}' || true)" \
    '{"type":"about:blank","title":"Unprocessable Content","status":422,"detail":"cannot read VM: unknown member `memroy`, did you mean `memory`?"}'
  expect_contains "$(ask_hostd /v1/deployments --data '{"name":"d","image":"x","volumes":["data:/data:1M"]}' || true)" \
    "its replicas would all use volume data:/data:1M"
  expect_contains "$(ask_hostd /v1/deployments --data '{"name":"d","image":"x","ports":["80:80"]}' || true)" \
    "each replica would publish port 80"
  expect_contains "$(ask_hostd /v1/vms --data '{' || true)" "it is not a JSON object"
  expect_contains "$(ask_hostd /v1/vms --request PUT || true)" "/v1/vms has no PUT"
  expect_equal "$(ask_hostd /v1/vms)" '{"vms":[]}'
  kestrelctl vms create x --image "$site" --no-start
  expect_contains "$(refusal_of vms create x --image "$site")" "there is a VM of that name"
}

test_a_vm_that_cannot_be_started_has_crashed_and_says_why() {
  start_hostd
  kestrelctl vms create x --image "$site" --vmm /nowhere/qemu --wait none
  wait_until 5 vm_is x crashed
  expect_equal "$(vm_json x .outcome.status)" 127
  expect_contains "$(vm_json x .outcome.message)" "/nowhere/qemu"
  expect_contains "$(refusal_of vms wait x)" "x ended with status 127"
  socat TCP-LISTEN:0,bind=127.0.0.1 /dev/null 2>/dev/null &
  local taken
  wait_until 5 listens "$!"
  taken=$(ss -ltnp | sed -n "s/.*127.0.0.1:\([0-9]*\) .*pid=$!,.*/\1/p")
  kestrelctl vms create y --image "$site" -p "$taken:80" --wait none
  wait_until 5 vm_is y crashed
  expect_equal "$(vm_json y .outcome.status)" 120
}
listens() { ss -ltnp | grep -q "pid=$1,"; }

test_a_second_hostd_on_one_folder_refuses() {
  start_hostd
  expect_status 125 env KESTREL_RUNTIME_DIR="$T/other" "$BUILD/hostd" serve 2>err
  expect_contains "$(cat err)" "cannot use $T/state: another hostd does"
  expect_contains "$(ask_hostd /v1/health)" healthy
}

test_a_damaged_registry_is_an_error_and_left_as_it_is() {
  mkdir state
  head -c 8192 /dev/urandom >state/registry.db
  cp state/registry.db before
  expect_status 125 env KESTREL_RUNTIME_DIR="$T/r" "$BUILD/hostd" serve 2>err
  expect_contains "$(cat err)" "cannot open registry $T/state/registry.db: file is not a database"
  cmp state/registry.db before
}

test_a_full_disk_refuses_changes_and_loses_nothing() {
  build_quiet_image quiet
  mkdir state
  mount -t tmpfs -o size=400k tmpfs state
  start_hostd
  kestrelctl vms create vm --image "$T/quiet" --wait started
  dd if=/dev/zero of=state/ballast bs=4k 2>/dev/null || true
  local number=0
  until ! kestrelctl vms create "more-$number" --image "$T/quiet" --no-start >/dev/null 2>err; do
    number=$((number + 1))
    [ "$number" -lt 200 ] || fail "the disk is not full"
  done
  expect_contains "$(cat err)" "database or disk is full"
  kill -KILL "$(vm_json vm .vmm.pid)"
  wait_until 5 no_vmm_is_left
  rm state/ballast
  wait_until 10 vm_is vm crashed
  expect_all_events vm
  expect_equal "$(ask_hostd /v1/vms | jq '.vms | length')" $((number + 1))
}

test_the_port_is_for_who_has_the_token() {
  start_hostd --listen 127.0.0.1:0
  local url token
  url=$(sed -n 's,.* serves \(http://[^;]*\);.*,\1,p' hostd.log)
  token=$(cat state/token)
  expect_equal "$(stat -c %a state/token)" 600
  expect_equal "$(curl --silent --output /dev/null --write-out '%{http_code}' "$url/v1/vms")" 401
  expect_equal "$(curl --silent --output /dev/null --write-out '%{http_code}' --header "Authorization: Bearer ${token}x" "$url/v1/vms")" 401
  expect_equal "$(curl --silent --header "Authorization: Bearer $token" "$url/v1/vms")" '{"vms":[]}'
  expect_status 125 env KESTREL_STATE_DIR="$T/second" KESTREL_RUNTIME_DIR="$T/r2" "$BUILD/hostd" serve --listen 0.0.0.0:0 2>err
  expect_contains "$(cat err)" "beyond loopback"
}

make_certificate() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=hostd -addext subjectAltName=IP:127.0.0.1 \
    -keyout key.pem -out cert.pem 2>/dev/null
}
# The program that ends TLS for the daemon.
is_gone() { ! kill -0 "$1" 2>/dev/null; }
tls_pid() { cat "/proc/$hostd/task/$hostd/children" | tr ' ' '\n' | head -n 1; }

test_over_tls_the_token_opens_the_port_beyond_loopback() {
  make_certificate
  start_hostd --listen 0.0.0.0:0 --tls-cert cert.pem --tls-key key.pem
  local url token
  url=https://127.0.0.1:$(sed -n 's,.* serves https://0.0.0.0:\([0-9]*\);.*,\1,p' hostd.log)
  token="Authorization: Bearer $(cat state/token)"
  expect_equal "$(curl --silent --cacert cert.pem --header "$token" "$url/v1/vms")" '{"vms":[]}'
  expect_equal "$(curl --silent --output /dev/null --write-out '%{http_code}' --cacert cert.pem "$url/v1/vms")" 401
  expect_status 60 curl --silent --header "$token" "$url/v1/vms"
  if curl --silent --header "$token" "http:${url#https:}/v1/vms"; then fail "plain HTTP was answered"; fi
  # An answer larger than any buffer on the way.
  curl --silent --cacert cert.pem --header "$token" "$url/v1/openapi.yaml" | cmp - "$REPO/docs/openapi-hostd.yaml"
}

test_what_ends_tls_has_no_rights_and_is_started_again() {
  make_certificate
  start_hostd --listen 127.0.0.1:0 --tls-cert cert.pem --tls-key key.pem
  local url first
  url=$(sed -n 's,.* serves \(https://[^;]*\);.*,\1,p' hostd.log)
  first=$(tls_pid)
  expect_contains "$(cat "/proc/$first/status")" $'CapEff:\t0000000000000000'
  expect_contains "$(cat "/proc/$first/status")" $'NoNewPrivs:\t1'
  expect_equal "$(stat -c %u "/proc/$hostd")$(awk '$1 == "Uid:" {print $2 != 0}' "/proc/$first/status")" 01
  kill -KILL "$first"
  wait_until 10 curl --silent --cacert cert.pem --output /dev/null "$url/v1/health"
  expect_contains "$(cat hostd.log)" "hostd-tls has ended; it is started again"
  first=$(tls_pid)
  kill_hostd
  wait_until 5 is_gone "$first"
}

test_tls_files_that_cannot_be_used_are_refused_at_the_start() {
  local arguments=(serve --listen 127.0.0.1:0 --tls-cert cert.pem --tls-key key.pem)
  make_certificate
  refused() {
    expect_status 125 env KESTREL_STATE_DIR="$T/state" KESTREL_RUNTIME_DIR="$T/r" "$BUILD/hostd" "${arguments[@]}" 2>err
    expect_contains "$(cat err)" "$1"
  }
  chmod 644 key.pem
  refused "cannot serve TLS: cannot use key.pem: everybody can read it; chmod o= key.pem"
  cp cert.pem key.pem
  chmod 600 key.pem
  refused "cannot use cert.pem and key.pem: the second file holds no private key in PEM"
  rm cert.pem
  refused "cert.pem: No such file or directory"
  expect_status 64 "$BUILD/hostd" serve --listen 127.0.0.1:0 --tls-cert cert.pem 2>err
  expect_contains "$(cat err)" "--tls-key"
}

test_a_thousand_clients_and_half_requests_are_borne() {
  start_hostd
  local number
  exec 9<>/dev/null
  for number in $(seq 1000); do echo "url = http://hostd/v1/vms"; echo "output = /dev/null"; done >many
  for number in $(seq 50); do
    (printf 'GET /v1/vms HTT'; sleep 100) | socat - "UNIX-CONNECT:$T/r/hostd.sock" >/dev/null 2>&1 &
  done
  # Readers that never read.
  for number in $(seq 20); do
    socat -u -b 1 EXEC:"sleep 100" "UNIX-CONNECT:$T/r/hostd.sock" 2>/dev/null &
  done
  curl --silent --fail --parallel --parallel-max 200 --unix-socket "$T/r/hostd.sock" --config many
  expect_contains "$(ask_hostd /v1/health)" healthy
  [ "$(awk '/^RssAnon/ { print $2 }' "/proc/$hostd/status")" -lt 16384 ] || fail "hostd has grown: $(grep Rss "/proc/$hostd/status")"
}

harness_main "$@"
