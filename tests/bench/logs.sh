#!/bin/bash
# Capturing 200 MiB of lines of 100 bytes: `kestrel run` and s6-log, each into rotated files of 10 MiB with times, and what it
# costs without a file. Sourced by run, which has set $build and $work and has note(); by itself it prints a table:
#   BUILD=... tests/bench/logs.sh [RUNS]

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
s6_captures() { "$build/support/log_source" "$log_lines" | s6-log "$@"; }
cat_captures() { "$build/support/log_source" "$log_lines" | cat; }

bench_logs() {
    local runs=${1:-5} wall cpu
    for _ in $(seq "$runs"); do
        rm -rf "$work/logs"
        read -r wall cpu < <(seconds_of cat_captures)
        note_log floor "$wall" "$cpu"
        read -r wall cpu < <(seconds_of kestrel_captures 'ring: 256K')
        note_log kestrel-ring "$wall" "$cpu"
        read -r wall cpu < <(seconds_of kestrel_captures "file: $work/logs/source.log, rotate: {size: 10M, keep: 5}")
        note_log kestrel-file "$wall" "$cpu"
        command -v s6-log >/dev/null || continue
        mkdir -p "$work/logs/s6" "$work/logs/plain"
        read -r wall cpu < <(seconds_of s6_captures T n5 s10485760 "$work/logs/s6")
        note_log s6-log-times "$wall" "$cpu"
        read -r wall cpu < <(seconds_of s6_captures n5 s10485760 "$work/logs/plain")
        note_log s6-log-plain "$wall" "$cpu"
    done
}

# note_log NAME WALL CPU: as MiB/s, and the processor time of a run, its source's included
note_log() {
    note "log $1 throughput" "$(awk -v s="$2" 'BEGIN { printf "%.0f", 200 / s }')" MiB/s
    note "log $1 processor" "$(awk -v s="$3" 'BEGIN { printf "%.0f", s * 1000 }')" ms
}

[[ ${BASH_SOURCE[0]} == "$0" ]] || return 0
set -euo pipefail
root=$(realpath "$(dirname "$0")/../..")
build=$(realpath "${BUILD:-$root/build}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
note() { printf '%s\t%s\t%s\n' "$@" >>"$work/figures"; }
bench_logs "${1:-5}"
for name in $(cut -f1 "$work/figures" | sort -u | tr ' ' _); do
    awk -F '\t' -v name="${name//_/ }" '$1 == name { print $2, $3 }' "$work/figures" | sort -n |
        awk -v name="${name//_/ }" '{ v[NR] = $1; u = $2 } END { printf "%-32s %6s %s  (%s to %s)\n", name, v[int((NR + 1) / 2)], u, v[1], v[NR] }'
done
