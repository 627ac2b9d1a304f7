# vm.sh: guests under emulation, for tests that source harness.sh. A test has one runtime folder, $T/r, and usually one VM;
# what lasts (volumes, images) is in $T/state.

# The distribution's kernel, unless an image says otherwise, also where a lean one has been built.
export KESTREL_KERNEL=$BUILD/kernel/vmlinux

kestrelctl() { KESTREL_RUNTIME_DIR=$T/r KESTREL_ACCEL=tcg "$BUILD/kestrelctl" "$@"; }

# run_vm ARGUMENT...: `kestrelctl run` to its end; its exit status is in $status, its output in $T/out and $T/err.
run_vm() {
  status=0
  kestrelctl run "$@" >"$T/out" 2>"$T/err" || status=$?
}

# launch_vm NAME ARGUMENT...: the same in the background, as $runner.
launch_vm() {
  vm=$1
  shift
  : >"$T/err" # of an earlier VM; the shell in the background may take its time
  KESTREL_RUNTIME_DIR=$T/r KESTREL_ACCEL=tcg "$BUILD/kestrelctl" run --name "$vm" "$@" >"$T/out" 2>"$T/err" &
  runner=$!
}

# start_vm NAME ARGUMENT...: the same; returns when the guest is healthy.
start_vm() {
  launch_vm "$@"
  wait_until 50 is_healthy_or_over
  kill -0 "$runner" 2>/dev/null || fail "the VM ended before it was healthy: $(cat "$T/err")"
}

is_healthy_or_over() { grep -q '^\[.*s\] healthy$' "$T/err" || ! kill -0 "$runner"; }

# Until the VM is over; its exit status is in $status.
await_end() {
  status=0
  wait "$runner" || status=$?
}

stop_vm() {
  kill -TERM "$runner"
  await_end
}

in_vm_folder() { printf '%s/r/vms/%s/%s' "$T" "$vm" "$1"; }
ask_runner() { curl --silent --show-error --fail-with-body --unix-socket "$(in_vm_folder runner.sock)" "http://vm$1" "${@:2}"; }
ask_guest() { curl --silent --show-error --fail-with-body --unix-socket "$(in_vm_folder api.sock)" "http://vm$1" "${@:2}"; }

# guest_port PORT: where the host reaches this port of the guest.
guest_port() { ask_runner /v1/vm | jq --raw-output ".ports[] | select(.guest == $1).host"; }
vmm_pid() { ask_runner /v1/vm | jq .vmm.pid; }
service() { ask_guest "/v1/services/$1" | jq --raw-output "$2"; }

# No process of a VM, and nothing in the runtime folder. The kernel may take a moment to end a process.
expect_nothing_left() {
  wait_until 5 no_process_is_left
  [ ! -d "$T/r/vms" ] || expect_equal "$(find "$T/r/vms" -mindepth 1)" "" "what is left in the runtime folder"
}
no_process_is_left() { [ -z "$(ps --no-headers -eo stat,comm | awk '$1 !~ /^Z/' | grep -E 'kestrel-vm|qemu-system|hostd$')" ]; }

# build_image NAME [ARGUMENT...]: an image with busybox and the config on stdin, in $T/NAME.
build_image() {
  local name=$1 applet
  shift
  cat >"$T/$name.yaml"
  mkdir -p "$T/$name.root/bin"
  cp "$BUILD/packages/busybox/bin/busybox" "$T/$name.root/bin"
  for applet in sh sleep grep cat head seq yes md5sum kill wc; do
    ln -sf busybox "$T/$name.root/bin/$applet"
  done
  "$BUILD/kestrelctl" build --quiet --name "$name" --version 1.0.0 --from "$T/$name.root" \
    --config "$T/$name.yaml" --memory 192M -o "$T/$name" "$@" >/dev/null
}

# more_applets NAME APPLET...: of busybox, for an image that build_image NAME makes afterwards.
more_applets() {
  local folder=$T/$1.root/bin applet
  mkdir -p "$folder"
  shift
  for applet; do ln -sf busybox "$folder/$applet"; done
}

# printed_by SERVICE: what it printed in the VM of run_vm or launch_vm.
printed_by() { sed -n "s/^\[$1\] //p" "$T/out"; }

# bare_initramfs FILE: an initramfs with what is in the folder $T/bare, without kestrel.
bare_initramfs() { (cd "$T/bare" && find . | cpio --quiet -o -H newc >"$1"); }
