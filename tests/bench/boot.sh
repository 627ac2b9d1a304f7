# From `kestrelctl run` to the end of a job that does nothing, with the distribution's kernel and the lean one. Sourced by run.

bench_boot() {
    local subject round subjects=(stock)
    boot_image stock "$build/kernel/vmlinux"
    if [[ -e $build/lean-kernel/vmlinux ]]; then
        boot_image lean "$build/lean-kernel/vmlinux"
        subjects+=(lean lean-uart)
    else
        without lean "it is not built: make kernel" "=s=boot to power-off" "=s=processor time of a boot" "=MiB=memory that is left of 128 MiB"
    fi
    # In turns, so that what else the machine does concerns all alike.
    for round in 1 2 3 4 5; do
        for subject in "${subjects[@]}"; do measure_boot "$subject"; done
    done
}

# boot_image NAME KERNEL: the image $work/NAME
boot_image() {
    local folder=$work/boot.root
    mkdir -p "$folder/bin"
    cp "$build/packages/busybox/bin/busybox" "$folder/bin/cat"
    echo 'exec: [{name: memory, run_once: true, command: /bin/cat, args: [/proc/meminfo]}]' >"$work/boot.yaml"
    "$build/kestrelctl" build --quiet --name boot --version 1 --from "$folder" --config "$work/boot.yaml" --memory 128M \
        --kernel "$2" -o "$work/$1" >/dev/null
}

# The same image with the kernel named anew is one of whose kernel nothing is known: its console is the UART.
measure_boot() {
    local image=$work/${1%-uart} named=() TIMEFORMAT='%R %U %S' wall user system
    [[ $1 != *-uart ]] || named=(--kernel "$image/vmlinux")
    read -r wall user system < <({ time KESTREL_RUNTIME_DIR=$work/r KESTREL_ACCEL=tcg "$build/kestrelctl" run --quiet "${named[@]}" "$image" \
        >"$work/boot.out" 2>"$work/boot.err"; } 2>&1)
    note "boot to power-off" "$1" "$wall" s
    note "processor time of a boot" "$1" "$(awk "BEGIN { print $user + $system }")" s
    note "memory that is left of 128 MiB" "$1" "$(sed -n 's/.*MemAvailable: *\([0-9]*\) kB/\1/p' "$work/boot.out" | awk '{ printf "%.1f", $1 / 1024 }')" MiB
}
