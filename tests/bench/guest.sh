# Guests of `make bench` whose clock counts instructions. Sourced by run, which has set $root, $build, $work and $seeds.

# new_tree: an empty $tree with the driver as /init and the service as /w
new_tree() {
    tree=$work/tree
    rm -rf "$tree"
    mkdir -p "$tree"/{proc,sys,dev,run,tmp,bin,sbin,etc}
    cp "$build/support/bench_driver" "$tree/init"
    cp "$build/support/bench_workload" "$tree/w"
    printf 'root:x:0:0:root:/:/bin/sh\n' >"$tree/etc/passwd"
    printf 'root:x:0:\n' >"$tree/etc/group"
}

# For the functions of a peer. start_with mounted|bare COMMAND...: what the driver becomes, with the usual file systems
# mounted before the clock starts, or without.
start_with() { init_arguments=$*; }
# power_off_with COMMAND...: what an administrator would type
power_off_with() { printf '%s\n' "$@" >"$tree/bench.power_off"; }
# program DIR PATH...: programs of an unpacked package, with their libraries
program() {
    local sysroots=("$1") stage=$tree path
    for path in "${@:2}"; do add_program "$1$path:$path"; done
}
# add_busybox APPLET...: busybox, and those of its programs
add_busybox() {
    local applet
    cp "$build/packages/busybox/bin/busybox" "$tree/bin/busybox"
    for applet in "$@"; do ln -s busybox "$tree/bin/$applet"; done
}
# script PATH <TEXT: an executable file
script() {
    mkdir -p "$(dirname "$tree$1")"
    cat >"$tree$1"
    chmod 755 "$tree$1"
}

# boot_counted SEED MEASURE COUNT: prints the guest's console. With -icount one instruction takes one nanosecond of guest
# time and idle time is skipped, so that the load of this machine does not enter; the seed decides the address-space
# layout. Kernel arguments after `--` are handed to init.
boot_counted() {
    timeout "${BENCH_PATIENCE:-600}" qemu-system-x86_64 -M microvm -accel tcg -icount shift=0,sleep=off -cpu max -m "${guest_memory:-1024}" -nodefaults \
        -no-user-config -no-reboot -display none -monitor none -serial stdio -seed "$1" -rtc base=2026-01-01T00:00:00,clock=vm \
        -kernel "$build/kernel/vmlinux" -initrd "$work/tree.cpio" \
        -append "console=ttyS0 quiet panic=-1 printk.time=1 cryptomgr.notests rootfstype=ramfs rdinit=/init -- $2 $3 $init_arguments" \
        </dev/null 2>&1 | tr -d '\r'
}

# measure PEER SCENARIO COUNT MEASURE RESULT=UNIT=METRIC...: builds the tree, boots it once a seed and notes each RESULT
# that the driver prints. Of a peer without a result the reason is noted.
measure() {
    local peer=$1 scenario=$2 count=$3 measured=$4 seed
    shift 4
    if ! build_tree "$peer" "$scenario" "$count"; then
        without "$peer" "$reason" "$@"
        return
    fi
    pack_tree
    # Side by side, as none can disturb another's clock.
    for seed in $(seq "$seeds"); do
        boot_counted "$seed" "$measured" "$count" >"$work/console.$seed" &
    done
    wait
    for seed in $(seq "$seeds"); do
        if ! take_results "$work/console.$seed" "$peer" "$@"; then
            without "$peer" "$reason" "$@"
            return
        fi
    done
}

# Everything is dated before the guest's clock: runsvdir waits for folders that are as new as that.
# All is root's, unless it is to be packed with-owners.
pack_tree() {
    local owners=(-R 0:0)
    [[ ${1-} != with-owners ]] || owners=()
    find "$tree" -exec touch -h -d 2020-01-01 {} +
    (cd "$tree" && find . -mindepth 1 -printf '%P\0' | LC_ALL=C sort -z | cpio -0 -o -H newc "${owners[@]}" --reproducible --quiet) >"$work/tree.cpio"
}

# take_results CONSOLE PEER RESULT=UNIT=METRIC...: without a result $reason is what the guest said last
take_results() {
    local console=$1 peer=$2 request result unit metric value
    for request in "${@:3}"; do
        IFS='=' read -r result unit metric <<<"$request"
        value=$(result_of "$result" "$unit")
        if [[ -z $value ]]; then
            reason="no result; its console ended: $(grep -v '^$' "$console" | tail -n 1 | cut -c 1-120)"
            tail -n 15 "$console" | sed "s/^/    $peer: /" >&2
            return 1
        fi
        note "$metric" "$peer" "$value" "$unit"
    done
}

# result_of NAME UNIT: the median of what is on $console by that name
result_of() {
    if [[ $1 == power_off ]]; then
        shutdown_time
        return
    fi
    awk -v name="$1" -v scale="$([[ $2 == ms ]] && echo 1e6 || echo 1)" \
        '$1 == "bench" && $2 == name { printf "%.6g\n", $3 / scale }' "$console" | median
}

# From the mark in the kernel's log to its last word, both with the kernel's own times.
shutdown_time() {
    sed -n 's/^.*\[ *\([0-9.]*\)\] \(bench: shutdown\|reboot: Power down\)$/\1/p' "$console" |
        awk 'NR == 1 { start = $1 } NR == 2 { printf "%.6g\n", ($1 - start) * 1e3 }'
}

# The middle one, of an even number the lower of the two: always a value that was measured.
median() { sort -g | awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)] }'; }
