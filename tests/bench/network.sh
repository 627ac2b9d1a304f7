# What reaches a guest, and how fast: a raw vsock connection through our device, and what is built on it (published ports,
# execs, copies of files), beside QEMU's user-mode hostfwd, and qemu-guest-agent's guest-exec over virtio-serial. One guest,
# one server in it that is reached in all these ways, measured in turns. Sourced by run.

network_image() {
    local tree=$work/network
    rm -rf "$tree"
    mkdir -p "$tree/bin"
    cp "$build/support/bench_peer" "$build/packages/busybox/bin/busybox" "$tree/bin"
    # 10.0.2.15 is where hostfwd leads to by default; the agent's port is of the third virtio device.
    cat >"$work/network.yaml" <<'YAML'
exec:
  - name: peer
    command: /bin/bench_peer
    args: [serve, "9000", 10.0.2.15]
  - name: agent
    command: /bin/qemu-ga
    args: [--method, virtio-serial, --path, /dev/vport2p1, --statedir, /run]
YAML
    [[ -d $build/packages/guest-agent ]] ||
        "$root/initramfs/fetch-package" -o "$build/packages/guest-agent" qemu-guest-agent libglib2.0-0 libudev1 liburing2 libpcre2-8-0 libnuma1
    "$build/kestrelctl" build --quiet --name bench --version 1 --from "$tree" --config "$work/network.yaml" \
        --needs vsock,net,virtio_console --program "$build/packages/guest-agent/usr/sbin/qemu-ga:/bin/qemu-ga" \
        --sysroot "$build/packages/guest-agent" --memory 512M --port 9000 --type tcp -o "$work/image" >/dev/null
}

# A VMM like any other, with the devices that are compared with.
network_vmm() {
    cat >"$work/vmm" <<VMM
#!/bin/bash
exec qemu-system-x86_64 "\$@" -device virtio-net-device,netdev=user \\
    -netdev user,id=user,hostfwd=tcp:127.0.0.1:${where[hostfwd]}-:9000 \\
    -chardev socket,id=agent,path=$work/agent,server=on,wait=off -device virtio-serial-device \\
    -device virtserialport,chardev=agent,name=org.qemu.guest_agent.0
VMM
    chmod +x "$work/vmm"
}

peer() { "$build/support/bench_peer" "$@"; }
in_network_vm() { KESTREL_RUNTIME_DIR=$work/r "$build/kestrelctl" "$@"; }

start_network_vm() {
    local deadline=$((SECONDS + 180))
    # Not as a function, of which $! would be the shell that waits for it.
    KESTREL_VMM_USER=root KESTREL_RUNTIME_DIR=$work/r "$build/kestrelctl" run "$work/image" --accel tcg --vmm "$work/vmm" -p "${where[published]}:9000" --name bench \
        </dev/null >"$work/vm.log" 2>&1 &
    vm=$!
    until peer rtt "${where[published]}" 1 >/dev/null 2>&1 && peer rtt "${where[hostfwd]}" 1 >/dev/null 2>&1; do
        if ! kill -0 "$vm" 2>/dev/null || ((SECONDS > deadline)); then
            tail -n 20 "$work/vm.log" >&2
            echo "bench: the guest does not answer on both ways, see above" >&2
            return 1
        fi
        sleep 0.2
    done
}

# note_times METRIC SUBJECT MEASURE WHERE COUNT: a median and a 99th percentile
note_times() {
    local measured
    measured=$(peer "${@:3}")
    note "$1, median" "$2" "${measured% *}" us
    note "$1, 99th percentile" "$2" "${measured#* }" us
}

measure_ways() {
    local way
    for way in vsock published hostfwd exec; do
        note_times "round trip" "$way" rtt "${where[$way]}" 1000
        note "from the guest" "$way" "$(peer receive "${where[$way]}" 64)" MiB/s
        [[ $way == exec ]] || note "to the guest" "$way" "$(peer send "${where[$way]}" 64)" MiB/s
    done
    for way in vsock published hostfwd; do note_times "connect and echo" "$way" open "${where[$way]}" 200; done
    note_times "program, start to exit" exec run "$runtime/api.sock" 100
    note_times "program, start to exit" guest-agent agent "$work/agent" 100
    note "100 programs at once, all ended" exec "$(peer crowd "$runtime/api.sock" 100)" ms
}

# copy ARGUMENT...: MiB a second that curl reports for a file of 64 MiB
copy() {
    curl --silent --show-error --fail --unix-socket "$runtime/api.sock" --output /dev/null \
        --write-out '%{speed_upload} %{speed_download}\n' "$@" 'http://vm/v1/files?path=/tmp/block' |
        awk '{ printf "%.1f\n", ($1 > $2 ? $1 : $2) / 1048576 }'
}

measure_copies() {
    [[ -f $work/block ]] || truncate -s 64M "$work/block"
    note "to the guest" file "$(copy --upload-file "$work/block")" MiB/s
    note "from the guest" file "$(copy)" MiB/s
}

guest_kib() { in_network_vm exec bench /bin/busybox cat /proc/1/smaps_rollup | awk '/^Pss:/ { print $2 }'; }
runner_kib() { awk '/^RssAnon/ { print $2 }' "/proc/$vm/status"; }

# What a connection costs that is open and says nothing, besides what the kernels keep.
measure_idle_connections() {
    local count=200 guest runner
    guest=$(guest_kib) runner=$(runner_kib)
    coproc holder { peer hold "${where[published]}" "$count"; }
    local input=${holder[1]}
    read -r <&"${holder[0]}"
    note "memory of an idle connection" guest "$(awk -v a="$guest" -v b="$(guest_kib)" -v n="$count" 'BEGIN { printf "%.2f\n", (b - a) / n }')" KiB
    note "memory of an idle connection" runner "$(awk -v a="$runner" -v b="$(runner_kib)" -v n="$count" 'BEGIN { printf "%.2f\n", (b - a) / n }')" KiB
    exec {input}>&-
    wait "$holder_PID" 2>/dev/null || true
}

bench_network() {
    local port=${BENCH_PORT:-19000} runtime=$work/r/vms/bench turn
    local -A where=([vsock]=$runtime/vsock.sock:9000 [published]=$port [hostfwd]=$((port + 1)) [exec]=exec:$runtime/api.sock)
    network_image
    network_vmm
    start_network_vm
    measure_idle_connections
    for turn in 1 2 3; do
        measure_ways
        measure_copies
    done
    kill -TERM "$vm"
    wait "$vm"
    vm=
}
