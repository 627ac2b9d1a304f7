# Capturing 200 MiB of lines of 100 bytes, on this machine and in its own time: `kestrel run`, s6-log and svlogd, each into
# rotated files of 10 MiB with times, and what it costs without files. Sourced by run.

log_lines=2097152 # of 100 bytes: 200 MiB

# seconds_of COMMAND...: wall time, then processor time of the command and all its children
seconds_of() {
    local TIMEFORMAT='%R %U %S'
    { time "$@" >/dev/null 2>&1; } 2>&1 | awk '{ print $1, $2 + $3 }'
}

# The program is a job, so that kestrel ends when all is written.
kestrel_captures() {
    printf 'exec:\n  - {name: source, command: %s, args: ["%s"], run_once: true, log: {%s}}\n' \
        "$build/support/log_source" "$log_lines" "$1" >"$work/logs.yaml"
    "$build/kestrel" run -c "$work/logs.yaml"
}
captures() { "$build/support/log_source" "$log_lines" | "$@"; }
# unpacked PEER PROGRAM ARG...: a program of a peer's package, where it lies
unpacked() { LD_LIBRARY_PATH=$build/packages/$1/usr/lib/x86_64-linux-gnu "$build/packages/$1$2" "${@:3}"; }

# log_capture METRIC SUBJECT COMMAND...: as MiB/s, and the processor time of it all, the source's included
log_capture() {
    local wall cpu
    rm -rf "$work/logs"
    mkdir -p "$work/logs"
    printf 's10485760\nn5\n' >"$work/logs/config" # for svlogd
    read -r wall cpu < <(seconds_of "${@:3}")
    note "log lines $1" "$2" "$(awk "BEGIN { printf \"%.0f\", 200 / $wall }")" MiB/s
    note "processor, 200 MiB $1" "$2" "$(awk "BEGIN { printf \"%.0f\", $cpu * 1000 }")" ms
}

bench_logs() {
    local peer
    for peer in s6 runit; do
        packages_of "$peer" || without "$peer" "$reason" "=MiB/s=log lines to files with times"
    done
    for _ in $(seq "$((seeds + 2))"); do
        log_capture "to memory" floor captures cat
        log_capture "to memory" kestrel kestrel_captures 'ring: 256K'
        log_capture "to files with times" kestrel kestrel_captures "file: $work/logs/source.log, rotate: {size: 10M, keep: 5}"
        [[ ! -d $build/packages/s6 ]] || log_capture "to files with times" s6 captures unpacked s6 /usr/bin/s6-log T n5 s10485760 "$work/logs"
        [[ ! -d $build/packages/runit ]] || log_capture "to files with times" runit captures unpacked runit /usr/bin/svlogd -tt "$work/logs"
    done
}
