#!/bin/bash
# AF_VSOCK, and both devices that can serve a guest's vsock: ours, and that of the kernel. Nothing here opens a vsock socket
# on this machine: guests do. For the kernel's device one is the host of another.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
. "$REPO/tests/support/hostd.sh"
time_limit=900

# In a guest whose kernel is its own peer, and can be the host of others.
test_vsock_sockets_and_what_leads_over_them_work_in_a_kernel_with_its_own_loop() {
  build_image sockets --program "$BUILD/guest-tests:/bin/guest-tests" --needs vsock,loopback,vhost_vsock <<'CONFIG'
exec:
  - {name: tests, command: /bin/guest-tests, run_once: true}
CONFIG
  run_vm "$T/sockets"
  expect_contains "$(printed_by tests)" "All tests passed" "the guest's tests"
  expect_equal "$status" 0 "exit status"
}

build_web() {
  more_applets web tar nc
  build_image web <<'CONFIG'
exec:
  - name: web
    command: /bin/sh
    args: ["-c", "echo greeting=$GREETING; exec nc -ll -p 7003 -e cat"]
    env: [{name: GREETING, value_from: env}]
    health: {tcp: {port: 7003}}
CONFIG
}

echoes() { expect_equal "$(echo "$1" | socat -t60 - "TCP:127.0.0.1:$2")" "$1" "what comes back from the published port"; }

# check_device IMAGE WANTED DEVICE PORT: all that a VM's vsock device is for. `on_host COMMAND...` runs commands on the VM's host,
# where hostd runs, and publishes it at PORT; `echo_port` says by which port this machine reaches that. A guest in a guest
# needs patience, also with its link.
check_device() {
  local port number
  on_host kestrelctl vms create web --image "$1" --vsock "$2" -p "$4:7003" -e GREETING=hello --append kestrel.link_required \
    --boot-timeout 10m --shutdown-timeout 2m --wait-timeout 12m >/dev/null
  expect_equal "$(on_host kestrelctl status web -o json | jq --raw-output '"\(.state) \(.link) \(.vsock.device)"')" "healthy up $3"

  # Both ways over the link: the environment came in its welcome, logs and events go out by it.
  expect_contains "$(on_host kestrelctl logs web)" "[web] greeting=hello"
  expect_contains "$(on_host kestrelctl events web)" "vm.healthy"

  expect_equal "$(echo through | on_host kestrelctl exec -i web -- cat)" through
  expect_status 7 on_host kestrelctl exec web -- sh -c 'exit 7'

  head -c 1000003 /dev/urandom >block
  tar c block | on_host kestrelctl cp - web:/run
  on_host kestrelctl cp web:/run/block - | tar x --to-stdout >copy
  cmp block copy

  port=$(echo_port)
  echoes hello "$port"
  # As many at once as busybox's nc has in its queue.
  for number in 1 2 3; do echoes "connection $number" "$port" & done
  for number in 1 2 3; do wait -n || fail "one of the connections at once failed"; done

  # Firecracker's convention: the port's own answer comes behind the OK. Where nobody listens there is none.
  printf 'CONNECT 1024\nGET /v1/info HTTP/1.1\r\nHost: vm\r\nConnection: close\r\n\r\n' |
    on_host socat -t60 - "UNIX-CONNECT:$host_folder/vms/web/vsock.sock" >answer
  expect_contains "$(head -n 1 answer)" "OK "
  expect_contains "$(sed -n 2p answer)" "HTTP/1.1 401 "
  expect_equal "$(printf 'CONNECT 9999\n' | on_host socat -t60 - "UNIX-CONNECT:$host_folder/vms/web/vsock.sock")" "" "a closed port's answer"

  on_host kestrelctl vms pause web >/dev/null
  on_host kestrelctl vms resume web >/dev/null
  echoes again "$port"

  on_host kestrelctl vms stop web >/dev/null
  expect_equal "$(on_host kestrelctl vms get web -o json | jq --compact-output '[.state, .outcome.status]')" '["stopped",0]'
}

test_our_vsock_device_carries_all_that_a_vm_needs() {
  build_web
  start_hostd
  on_host() { "$@"; }
  host_folder=$T/r
  vm=web
  echo_port() { guest_port 7003; }
  check_device "$T/web" user user 0
  expect_equal "$(find "$T/r/vms/web" -type s)" "" "sockets that are left"
}

# QEMU with what it opens at run time.
add_qemu() {
  local file
  mkdir -p outer.root/usr/share/qemu outer.root/usr/lib/x86_64-linux-gnu/qemu
  for file in bios-microvm kvmvapic linuxboot_dma pvh; do
    cp --dereference "/usr/share/qemu/$file.bin" outer.root/usr/share/qemu
  done
  cp /usr/lib/x86_64-linux-gnu/qemu/accel-tcg-x86_64.so outer.root/usr/lib/x86_64-linux-gnu/qemu
}

test_the_kernels_vsock_device_carries_the_same_for_a_guest_in_a_guest() {
  build_web
  add_qemu
  mkdir -p outer.root/images
  cp -r web outer.root/images
  build_image outer --needs vsock,vhost_vsock --program "$(command -v qemu-system-x86_64):/usr/bin/qemu-system-x86_64" \
    --program "$BUILD/kestrelctl:/usr/bin/kestrelctl" --program "$BUILD/hostd:/usr/bin/hostd" \
    --program "$(command -v socat):/usr/bin/socat" \
    --env KESTREL_RUNTIME_DIR=/run/r --env KESTREL_STATE_DIR=/run/state --env KESTREL_ACCEL=tcg <<'CONFIG'
env:
  - {name: KESTREL_RUNTIME_DIR, value_from: env}
  - {name: KESTREL_STATE_DIR, value_from: env}
  - {name: KESTREL_ACCEL, value_from: env}
exec:
  - {name: hostd, command: /usr/bin/hostd, args: [serve], ready: {notify: true}}
CONFIG
  start_vm outer --memory 1536M --cpus 2 -p 0:7003 --boot-timeout 4m --append kestrel.link_required "$T/outer"
  on_host() { kestrelctl exec -i -e KESTREL_RUNTIME_DIR=/run/r outer -- "$@"; }
  host_folder=/run/r
  echo_port() { guest_port 7003; }
  check_device /images/web auto native 7003
}

test_the_kernels_vsock_device_is_refused_where_there_is_none() {
  [ ! -e /dev/vhost-vsock ] || skip "this machine has one"
  build_image idle <<'CONFIG'
exec:
  - {name: idle, command: /bin/sleep, args: ["100000"]}
CONFIG
  run_vm --vsock native "$T/idle"
  expect_equal "$status" 125 "exit status"
  expect_contains "$(cat err)" "cannot use the kernel's vsock device: cannot open /dev/vhost-vsock: No such file or directory"
  expect_nothing_left
}

harness_main "$@"
