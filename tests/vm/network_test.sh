#!/bin/bash
# Guests with a network card: addresses that are leased, prolonged, lost and given back.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
# Its VMMs are scripts in the folder of the test, with disks and sockets that only root may open.
export KESTREL_VMM_USER=root
time_limit=240

# build_networked NAME APPLET...: the image of the config on stdin, with the module for a card.
build_networked() {
  local name=$1 applet
  shift
  mkdir -p "$T/$name.root/bin"
  for applet in "$@"; do ln -sf busybox "$T/$name.root/bin/$applet"; done
  build_image "$name" --needs vsock,net
}

# vmm_with NAME NETDEV [MAC]: a VMM with a card, as $T/NAME.
vmm_with() {
  printf '#!/bin/sh\nexec qemu-system-x86_64 "$@" -device virtio-net-device,netdev=n,mac=%s -netdev %s,id=n\n' \
    "${3:-52:54:00:00:00:01}" "$2" >"$T/$1"
  chmod +x "$T/$1"
}

printed_by() { sed -n "s/^\[$1\] //p" out; }

test_a_card_gets_its_address_by_dhcp_before_the_first_service() {
  build_networked auto ip <<'CONFIG'
exec:
  - name: look
    run_once: true
    command: /bin/sh
    args: ["-c", "ip -o -4 addr show dev eth0 | grep -o 'inet [^ ]*'; ip route show default | grep default; cat /etc/resolv.conf"]
CONFIG
  run_vm --network user "$T/auto"
  expect_equal "$status" 0 "exit status"
  expect_equal "$(printed_by look)" "inet 10.0.2.15/24
default via 10.0.2.2 dev eth0 
nameserver 10.0.2.3"
}

test_dhcp_without_a_card_is_told_and_holds_nothing_up() {
  build_image cardless <<'CONFIG'
network: {mode: dhcp, dns: [9.9.9.9]}
exec:
  - {name: look, run_once: true, command: /bin/cat, args: [/etc/resolv.conf]}
CONFIG
  run_vm --name cardless "$T/cardless"
  expect_equal "$status" 0 "exit status"
  expect_equal "$(printed_by look)" "nameserver 9.9.9.9"
}

# wire_with NAME on|off: a VMM whose card is one end of a wire, as $T/NAME.vmm. The end that is `on` has to be there first.
wire_with() {
  local mac=52:54:00:00:00:01
  [ "$2" = off ] || mac=52:54:00:00:00:02
  vmm_with "$1.vmm" "stream,server=$2,addr.type=unix,addr.path=$T/wire" "$mac"
}

# launch_server LEASE on|off: a guest at one end of the wire that lends an address for LEASE seconds.
# Its service `leases` prints for how long yet.
launch_server() {
  build_networked server udhcpd touch killall dumpleases tail <<CONFIG
network: {mode: static, address: 10.9.0.1/24}
exec:
  - name: dhcp
    command: /bin/sh
    args:
      - -c
      - |
        printf '%s\n' 'start 10.9.0.20' 'end 10.9.0.20' 'interface eth0' 'lease_file /tmp/leases' 'min_lease 10' \
          'option subnet 255.255.255.0' 'option router 10.9.0.1' 'option dns 10.9.0.53' 'option domain example.org' \
          'option mtu 1400' 'option lease $1' >/tmp/udhcpd.conf
        touch /tmp/leases
        exec udhcpd -f -a 100 /tmp/udhcpd.conf
  - name: leases
    command: /bin/sh
    args: ["-c", "while sleep 1; do killall -USR1 udhcpd; dumpleases -f /tmp/leases | tail -n 1; done"]
CONFIG
  wire_with server "$2"
  KESTREL_RUNTIME_DIR=$T/r KESTREL_ACCEL=tcg "$BUILD/kestrelctl" run --name server \
    --vmm "$T/server.vmm" "$T/server" >"$T/server.out" 2>&1 &
  server=$!
}

has_event() { ask_guest /v1/events | jq --exit-status --slurp "map(select(.type == \"$1\")) | length > 0" >/dev/null; }
event() { ask_guest /v1/events | jq --raw-output --slurp "map(select(.type == \"$1\"))[-1] | $2"; }
acknowledged() { [ "$(grep -ci "sending ack" "$T/server.out")" -ge "$1" ]; }
last_line_is() { [ "$(ask_guest '/v1/logs?service=watch&lines=1' | jq --raw-output .line)" = "$1" ]; }

test_an_address_is_asked_for_in_the_background_prolonged_and_lost_with_its_time() {
  build_networked client ip <<'CONFIG'
network: {mode: dhcp, interface: eth0}
exec:
  - name: watch
    command: /bin/sh
    args: ["-c", "while :; do echo $(ip -o -4 addr show dev eth0 | grep -o 'inet [^ ]*') $(ip link show dev eth0 | grep -o 'mtu [0-9]*') $(cat /etc/resolv.conf); sleep 0.5; done"]
CONFIG
  wire_with client on
  start_vm client --vmm "$T/client.vmm" "$T/client"
  expect_equal "$(event network.delayed .interface)" eth0
  expect_contains "$(cat "$(in_vm_folder console.log)")" "no DHCP server gives eth0 an address: going on without"

  launch_server 20 off
  # By then it asks about once a minute.
  wait_until 100 has_event network.configured
  expect_equal "$(event network.configured '"\(.address) \(.gateway) \(.dns | join(",")) \(.lease_ms)"')" \
    "10.9.0.20/24 10.9.0.1 10.9.0.53 20000"
  wait_until 10 last_line_is "inet 10.9.0.20/24 mtu 1400 search example.org nameserver 10.9.0.53"

  wait_until 40 acknowledged 3
  expect_equal "$(event network.lost .address)" null

  kill -TERM "$server"
  wait "$server" || true
  wait_until 60 has_event network.lost
  expect_equal "$(event network.lost .address)" 10.9.0.20/24
  wait_until 10 last_line_is "mtu 1400 search example.org nameserver 10.9.0.53"
}

server_says() { tail -n 1 "$T/server.out" | grep -q "$1"; }

test_a_leased_address_is_given_back_at_the_end() {
  build_networked client ip <<'CONFIG'
network: {mode: dhcp}
exec:
  - {name: stay, command: /bin/sleep, args: ["1000"]}
CONFIG
  launch_server 3600 on
  wait_until 60 server_says leases
  wire_with client off
  start_vm client --vmm "$T/client.vmm" "$T/client"
  expect_equal "$(event network.configured .address)" 10.9.0.20/24
  wait_until 20 server_says "10.9.0.20.*00:5"
  stop_vm
  expect_equal "$status" 0 "exit status"
  wait_until 20 server_says "10.9.0.20.*expired"
}

harness_main "$@"
