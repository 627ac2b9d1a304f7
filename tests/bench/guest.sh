# Guests of `make bench` whose clock counts instructions. Sourced by run, which has set $build and $work.

# new_tree DIR: a tree with the workload in it, as /init and as /w
new_tree() {
    rm -rf "$1"
    mkdir -p "$1"/{proc,sys,dev,run,tmp,bin,sbin,etc/kestrel}
    cp "$build/support/bench_workload" "$1/w"
}

# start_with DIR COMMAND...: what the kernel runs first, which is /w itself, becomes that
start_with() {
    local tree=$1
    shift
    init_arguments="start $*"
    ln -f "$tree/w" "$tree/init"
}

# boot_counted DIR SEED: prints the guest's console. With -icount one instruction takes one nanosecond of guest time and
# idle time is skipped, so that the load of this machine does not enter; the seed decides the address-space layout.
# Kernel arguments after `--` are handed to init.
boot_counted() {
    (cd "$1" && find . -mindepth 1 -printf '%P\0' | LC_ALL=C sort -z | cpio -0 -o -H newc -R 0:0 --reproducible --quiet) >"$work/tree.cpio"
    timeout 120 qemu-system-x86_64 -M microvm -accel tcg -icount shift=0,sleep=off -cpu max -m 256 -nodefaults -no-user-config \
        -no-reboot -display none -monitor none -serial stdio -seed "$2" -rtc base=2026-01-01T00:00:00,clock=vm \
        -kernel "$build/kernel/vmlinux" -initrd "$work/tree.cpio" \
        -append "console=ttyS0 quiet panic=-1 cryptomgr.notests rootfstype=ramfs rdinit=/init -- $init_arguments" </dev/null 2>&1 | tr -d '\r'
}

# measure DIR RESULT: the median of five seeds
measure() {
    local seed value values=()
    for seed in 1 2 3 4 5; do
        value=$(boot_counted "$1" "$seed" | tee "$work/console" | awk -v name="$2" '$1 == "bench" && $2 == name { print $3 }')
        if [[ -z $value ]]; then
            tail -n 15 "$work/console" >&2
            echo "bench: the guest in $1 printed no $2, its last lines are above" >&2
            return 1
        fi
        values+=("$value")
    done
    printf '%s\n' "${values[@]}" | sort -n | sed -n 3p
}
