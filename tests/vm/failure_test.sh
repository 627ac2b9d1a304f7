#!/bin/bash
# What goes wrong is told in one line, with its own exit status, and leaves nothing behind.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
time_limit=120
site=$BUILD/images/static-site

# expect_failure STATUS MESSAGE: of the last run_vm.
expect_failure() {
  expect_equal "$status" "$1" "exit status"
  expect_contains "$(grep '^kestrelctl: cannot run' err)" "$2"
  expect_nothing_left
}

test_a_port_in_use() {
  launch_vm first -q -p 0:80 "$site"
  wait_until 20 ask_runner /v1/vm
  local port
  port=$(guest_port 80)
  run_vm --name second -p "$port:8080" "$site"
  expect_equal "$status" 120 "exit status"
  expect_contains "$(cat err)" "cannot publish 127.0.0.1:$port:8080"
  expect_contains "$(cat err)" "hint: publish on another host port"
  expect_equal "$(ls "$T/r/vms")" first "the VMs that have a folder"
  stop_vm
  expect_nothing_left
}

test_the_demo_ends_with_the_status_of_a_vm_that_cannot_start() {
  mkdir stub
  printf '#!/bin/sh\nexit 121\n' >stub/kestrelctl
  chmod +x stub/kestrelctl
  expect_status 121 env BUILD="$T/stub" "$REPO/config-examples/demo.sh"
}

test_a_missing_kernel() {
  run_vm --kernel /nonexistent/vmlinux "$site"
  expect_failure 121 "cannot use guest kernel: cannot open /nonexistent/vmlinux: No such file or directory"
}

test_a_kernel_that_is_none() {
  echo hello >text
  run_vm --kernel text "$site"
  expect_failure 121 "it is neither a bzImage nor a vmlinux"
}

test_a_missing_image() {
  run_vm /nonexistent
  expect_failure 122 "cannot open /nonexistent: No such file or directory"
}

test_a_broken_manifest() {
  mkdir image
  echo '{"initramfs": 7}' >image/manifest.json
  run_vm image
  expect_failure 122 'cannot read manifest.json: `initramfs` is not text'
}

test_a_truncated_initramfs() {
  mkdir image
  head -c 100000 "$site/initramfs.cpio.zst" >image/initramfs.cpio.zst
  echo '{"initramfs": "initramfs.cpio.zst"}' >image/manifest.json
  run_vm --kernel "$BUILD/kernel/vmlinux" image
  expect_failure 119 "Kernel panic - not syncing"
}

test_qemu_missing() {
  run_vm --vmm /nonexistent/qemu "$site"
  expect_failure 127 "cannot start /nonexistent/qemu: No such file or directory"
}

test_qemu_that_refuses_its_command_line() {
  printf '#!/bin/sh\necho "qemu: this is not for me" >&2\nexit 1\n' >qemu
  chmod +x qemu
  # Nobody else may enter the folder of the test.
  KESTREL_VMM_USER=root run_vm --vmm "$T/qemu" "$site"
  expect_failure 126 "QEMU refused to start: QEMU exited with status 1: this is not for me"
  expect_contains "$(cat err)" "$T/qemu does not tell its version as a QEMU does"
}

test_qemu_too_old() {
  cat >qemu <<'SCRIPT'
#!/bin/sh
[ "$1" != --version ] || { echo "QEMU emulator version 4.2.1 (Debian 1:4.2-1)"; exit; }
echo "qemu: unsupported machine type" >&2
exit 1
SCRIPT
  chmod +x qemu
  KESTREL_VMM_USER=root run_vm --vmm "$T/qemu" "$site"
  expect_failure 126 "QEMU refused to start: QEMU exited with status 1: unsupported machine type"
  expect_contains "$(cat err)" "$T/qemu is QEMU 4.2, which is too old: 5.2 or newer is needed"
  expect_status 1 env KESTREL_QEMU="$T/qemu" "$BUILD/kestrelctl" doctor >doctor.out
  expect_contains "$(cat doctor.out)" "MISS  QEMU: $T/qemu is QEMU 4.2, which is too old"
}

test_a_kernel_panic_is_quoted() {
  mkdir bare
  touch bare/nothing
  bare_initramfs "$T/initramfs"
  run_vm --kernel "$BUILD/kernel/vmlinux" "$T/initramfs"
  expect_failure 119 "the guest's kernel panicked: Kernel panic - not syncing: No working init found."
}

test_a_guest_that_never_says_hello() {
  mkdir -p bare/bin
  cp "$BUILD/packages/busybox/bin/busybox" bare/bin
  printf '#!/bin/busybox sh\n/bin/busybox sleep 1000\n' >bare/init
  ln -s busybox bare/bin/sh
  chmod +x bare/init
  bare_initramfs "$T/initramfs"
  run_vm --boot-timeout 6s --kernel "$BUILD/kernel/vmlinux" "$T/initramfs"
  expect_failure 118 "the guest did not say hello within 6s"
}

test_qemu_killed_under_a_running_guest() {
  start_vm site "$site"
  kill -KILL "$(vmm_pid)"
  await_end
  expect_failure 124 "QEMU was killed by SIGKILL"
}

test_a_runner_that_is_killed_takes_qemu_with_it_and_the_name_can_be_used_again() {
  start_vm site "$site"
  kill -KILL "$runner"
  await_end
  wait_until 5 no_process_is_left
  expect_contains "$(ls "$T/r/vms/site")" runner.sock
  start_vm site "$site"
  stop_vm
  expect_equal "$status" 0 "exit status"
  expect_nothing_left
}

test_a_name_that_is_taken() {
  start_vm site "$site"
  local first=$runner
  run_vm --name site "$site"
  expect_equal "$status" 123 "exit status"
  expect_contains "$(cat err)" "a VM named site is running already"
  kill -0 "$first"
}

test_a_second_signal_ends_the_vm_by_force() {
  build_image stubborn <<'CONFIG'
exec:
  - name: stubborn
    command: /bin/sh
    args: ["-c", "trap '' TERM; while :; do sleep 1; done"]
    stop: {timeout: 60s}
CONFIG
  start_vm stubborn "$T/stubborn"
  kill -INT "$runner"
  wait_until 20 grep -q 'SIGINT: shutting the guest down' err
  kill -INT "$runner"
  await_end
  expect_failure 116 "the VM was ended by force"
}

harness_main "$@"
