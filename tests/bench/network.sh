# Throughput and round trip of a published port beside QEMU's user-mode hostfwd: one guest, one server in it, both ways
# open at the same time and measured in turns. Sourced by run.

network_image() {
    local tree=$work/network
    rm -rf "$tree"
    mkdir -p "$tree/bin"
    cp "$build/support/bench_peer" "$tree/bin"
    # 10.0.2.15 is where hostfwd leads to by default.
    cat >"$work/network.yaml" <<'YAML'
exec:
  - name: peer
    command: /bin/bench_peer
    args: [serve, "9000", 10.0.2.15]
YAML
    "$root/initramfs/build-image" --name bench --version 1 --build "$build" --from "$tree" --config "$work/network.yaml" \
        --needs vsock,net --memory 256M --port 9000 --type tcp -o "$work/image"
}

# A VMM like any other, with the card that is compared with.
network_vmm() {
    cat >"$work/vmm" <<VMM
#!/bin/bash
exec qemu-system-x86_64 "\$@" -device virtio-net-device,netdev=user \\
    -netdev user,id=user,hostfwd=tcp:127.0.0.1:$hostfwd_port-:9000
VMM
    chmod +x "$work/vmm"
}

bench_network() {
    local published_port=${BENCH_PORT:-19000} hostfwd_port=$((${BENCH_PORT:-19000} + 1)) way port measured turn deadline=$((SECONDS + 180))
    network_image
    network_vmm
    "$build/kestrelctl" run "$work/image" --accel tcg --vmm "$work/vmm" -p "$published_port:9000" --name "bench-$$" \
        </dev/null >"$work/vm.log" 2>&1 &
    vm=$!
    until "$build/support/bench_peer" rtt "$published_port" 1 >/dev/null 2>&1 && "$build/support/bench_peer" rtt "$hostfwd_port" 1 >/dev/null 2>&1; do
        if ! kill -0 "$vm" 2>/dev/null || ((SECONDS > deadline)); then
            tail -n 20 "$work/vm.log" >&2
            echo "bench: the guest does not answer on both ways, see above" >&2
            return 1
        fi
        sleep 0.2
    done
    for turn in 1 2 3; do
        for way in published hostfwd; do
            port=${way}_port
            measured=$("$build/support/bench_peer" rtt "${!port}" 1000)
            note "round trip, median" "$way" "${measured% *}" us
            note "round trip, 99th percentile" "$way" "${measured#* }" us
            note "to the guest" "$way" "$("$build/support/bench_peer" send "${!port}" 64)" MiB/s
            note "from the guest" "$way" "$("$build/support/bench_peer" receive "${!port}" 64)" MiB/s
        done
    done
    kill -TERM "$vm"
    wait "$vm"
    vm=
}
