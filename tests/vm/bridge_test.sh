#!/bin/bash
# Guests on a bridge of the host, with addresses that the host gives them. All of it in a network of the test's own.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
. "$REPO/tests/support/bridge.sh"
time_limit=240

# build_web: an image whose server says who it is, and that looks at the page of $PEER first if that is set.
build_web() {
  more_applets web httpd ip ping wget
  build_image web --needs vsock,net <<'CONFIG'
env: [{name: WHO, value_from: env}, {name: PEER, value_from: env, default: ""}]
exec:
  - name: look
    run_once: true
    command: /bin/sh
    args:
      - -c
      - |
        ip -o -4 addr show dev eth0 | grep -o 'inet [^ ]*'; ip route show default
        ping -c 1 -q 10.77.0.1 | grep received
        [ -z "$PEER" ] || wget -q -O - http://$PEER/
  - name: web
    command: /bin/sh
    args: ["-c", "mkdir /www; echo i am $WHO >/www/index.html; exec httpd -f -h /www"]
    depends_on: [look]
    ready: {tcp: 80}
CONFIG
}
ip_of() { kestrelctl status "$1" -o json | jq --raw-output .ip; }
taps() { ip -o link show master br0 | wc -l; }
no_tap_is_left() { [ "$(taps)" = 0 ]; }

test_guests_on_a_bridge_have_addresses_of_their_own_and_get_them_again() {
  in_own_network
  bridge
  build_web
  kestrelctl run -d -q --name first --network bridge=br0 -e WHO=first "$T/web" >/dev/null
  expect_equal "$(ip_of first)" 10.77.0.2
  expect_equal "$(curl --silent http://10.77.0.2/)" "i am first"
  expect_contains "$(kestrelctl logs first)" "inet 10.77.0.2/24"
  expect_contains "$(kestrelctl logs first)" "default via 10.77.0.1 dev eth0"
  expect_contains "$(kestrelctl logs first)" "1 packets received"

  start_vm second --network bridge=br0 -e WHO=second -e PEER=10.77.0.2 "$T/web"
  expect_equal "$(ip_of second)" 10.77.0.3
  expect_contains "$(cat out)" "i am first"
  expect_equal "$(taps)" 2 "taps"

  kill -KILL "$runner"
  await_end
  kestrelctl stop first --rm
  wait_until 5 no_tap_is_left
  start_vm second --network bridge=br0 -e WHO=again "$T/web"
  expect_equal "$(ip_of second)" 10.77.0.3
  expect_equal "$(curl --silent http://10.77.0.3/)" "i am again"
}

test_an_address_that_cannot_be_set_is_told() {
  in_own_network
  bridge
  build_image lacking <<'CONFIG'
exec: [{name: once, run_once: true, command: /bin/sh, args: ["-c", "exit 7"]}]
CONFIG
  status=0
  kestrelctl run --keep --network bridge=br0 --name lacking "$T/lacking" >out 2>err || status=$?
  expect_equal "$status" 7 "exit status"
  expect_contains "$(jq --raw-output 'select(.type == "network.failed").reason' r/vms/lacking/events.ndjson)" "the image may lack the module virtio_net"
}

test_a_bridge_that_cannot_be_used_is_told_with_the_way_out() {
  in_own_network
  local image=$BUILD/images/batch
  run_vm --network bridge=br0 "$image"
  expect_equal "$status" 125 "exit status"
  expect_contains "$(cat err)" "cannot use bridge br0: there is no such interface: No such device; make it: ip link add br0 type bridge"
  ip link add br0 type bridge
  run_vm --network bridge=br0 "$image"
  expect_contains "$(cat err)" "cannot use bridge br0: it has no IPv4 address: Cannot assign requested address; give it one: ip address add"
  run_vm --network bridge=lo "$image"
  expect_contains "$(cat err)" "cannot use bridge lo: it is no bridge"
  ip address add 10.77.0.1/24 dev br0
  status=0
  setpriv --bounding-set -net_admin --inh-caps -net_admin "$BUILD/kestrelctl" run --network bridge=br0 "$image" 2>err || status=$?
  expect_equal "$status" 125 "exit status"
  expect_contains "$(cat err)" "cannot use bridge br0: cannot make a tap device: Operation not permitted; run it as root, or with the capability CAP_NET_ADMIN"
  expect_equal "$(ip -o link show type tun 2>/dev/null)" "" "taps that are left"
}

harness_main "$@"
