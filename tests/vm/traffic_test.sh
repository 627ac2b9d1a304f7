#!/bin/bash
# What goes through published ports, into and out of a real guest.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
time_limit=180

# Ports of the guest: 7001 answers with the checksum of what it gets, 7002 sends the file `block` 64 times, 7003 echoes, 7004
# sends for ever. Nobody listens on 7999. A block's length is prime, so that no buffer's size divides it.
start_peer() {
  mkdir -p peer.root
  head -c 1048583 /dev/urandom >peer.root/block
  build_image peer --program "$(command -v socat):/bin/socat" <<'CONFIG'
exec:
  - {name: sink, command: /bin/socat, args: ["-t30", "TCP-LISTEN:7001,fork,reuseaddr", "EXEC:md5sum"]}
  - {name: source, command: /bin/socat, args: ["-t30", "TCP-LISTEN:7002,fork,reuseaddr", "SYSTEM:for i in $(seq 64); do cat /block; done"]}
  - {name: echo, command: /bin/socat, args: ["-t30", "TCP-LISTEN:7003,fork,reuseaddr,backlog=256", "EXEC:cat"]}
  - {name: flood, command: /bin/socat, args: ["TCP-LISTEN:7004,fork,reuseaddr", "EXEC:cat /dev/zero"]}
health:
  tcp: {port: 7003}
CONFIG
  start_vm peer -p 0:7001 -p 0:7002 -p 0:7003 -p 0:7004 -p 0:7999 "$T/peer"
}

test_64_mib_arrive_intact_each_way() {
  start_peer
  head -c 67108864 /dev/urandom >blob
  expect_equal "$(socat -t60 - "TCP:127.0.0.1:$(guest_port 7001)" <blob)" "$(md5sum <blob)" "checksum in the guest"
  for _ in $(seq 64); do cat peer.root/block; done >expected
  socat -u "TCP:127.0.0.1:$(guest_port 7002)" CREATE:got
  cmp got expected
}

test_200_connections_at_once_each_get_their_own_bytes_back() {
  start_peer
  local port fds=() fd i answer
  port=$(guest_port 7003)
  for i in $(seq 200); do
    exec {fd}<>"/dev/tcp/127.0.0.1/$port"
    fds+=("$fd")
  done
  for i in "${!fds[@]}"; do echo "connection $i" >&"${fds[$i]}"; done
  for i in "${!fds[@]}"; do
    read -r -t 60 -u "${fds[$i]}" answer || fail "connection $i got no answer"
    expect_equal "$answer" "connection $i"
  done
  expect_equal "$(ask_runner /v1/vm | jq '.vsock.connections >= 200')" true
}

test_a_connection_to_a_port_where_nobody_listens_is_closed() {
  start_peer
  local answer=none
  exec 9<>"/dev/tcp/127.0.0.1/$(guest_port 7999)"
  read -r -t 20 -u 9 answer || [ $? -le 128 ] || fail "the connection stays open"
  expect_equal "$answer" "" "what came over it"
}

private_kib() { awk '/^RssAnon/ { print $2 }' "/proc/$runner/status"; }
bytes_to_host() { ask_runner /v1/vm | jq .vsock.bytes_to_host; }
has_stalled() {
  local before
  before=$(bytes_to_host)
  sleep 0.5
  [ "$before" = "$(bytes_to_host)" ]
}

test_readers_that_stall_do_not_grow_the_runner_and_hold_up_nobody_else() {
  start_peer
  local flood before fd answer
  flood=$(guest_port 7004)
  before=$(private_kib)
  for _ in $(seq 10); do exec {fd}<>"/dev/tcp/127.0.0.1/$flood"; done
  wait_until 60 has_stalled
  [ "$(bytes_to_host)" -gt 1000000 ] || fail "nothing came from the guest"
  # At most what each connection may buffer for a slow reader, 1 MiB.
  [ "$(private_kib)" -lt $((before + 10 * 1024 + 1024)) ] || fail "the runner grew from $before to $(private_kib) KiB"
  exec 9<>"/dev/tcp/127.0.0.1/$(guest_port 7003)"
  echo hello >&9
  read -r -t 20 -u 9 answer
  expect_equal "$answer" hello
}

harness_main "$@"
