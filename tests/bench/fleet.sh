# The daemon: what it takes for many VMs, how soon it finds them again, and what a port balanced over several of them
# costs beside a port of one. All guests are alike: a web server of busybox. Sourced by run.

fleet_vms=${BENCH_VMS:-20}

fleet_image() {
    local tree=$work/fleet
    mkdir -p "$tree/bin" "$tree/www"
    cp "$build/packages/busybox/bin/busybox" "$tree/bin"
    ln -sf busybox "$tree/bin/httpd"
    echo served >"$tree/www/index.html"
    cat >"$work/fleet.yaml" <<'YAML'
exec:
  - {name: web, command: /bin/httpd, args: ["-f", "-p", "8080", "-h", "/www"]}
health:
  tcp: {port: 8080, interval: 1s}
YAML
    "$build/kestrelctl" build --quiet --name web --version 1 --from "$tree" --config "$work/fleet.yaml" \
        --memory 96M --port 8080 -o "$work/web" >/dev/null
}

fleet() { KESTREL_RUNTIME_DIR=$work/f KESTREL_STATE_DIR=$work/f/state KESTREL_ACCEL=tcg "$build/$1" "${@:2}"; }
ask_fleet() { curl --silent --fail --unix-socket "$work/f/hostd.sock" "http://hostd$1"; }
start_daemon() {
    # Not as a function, of which $! would be the shell that waits for it.
    KESTREL_RUNTIME_DIR=$work/f KESTREL_STATE_DIR=$work/f/state KESTREL_ACCEL=tcg "$build/hostd" serve 2>>"$work/hostd.log" &
    daemon=$!
}
has_fleet() { [[ $(ask_fleet /v1/vms | jq '[.vms[] | select(.state == "healthy")] | length') == "$1" ]]; }
milliseconds_since() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", (b - a) * 1000 }'; }

# private_memory PID: what it has written to, in KiB, wherever that is now. Program text that nobody else runs just now is
# not counted.
private_memory() { awk '/^(Private_Dirty|Swap):/ { sum += $2 } END { print sum }' "/proc/$1/smaps_rollup"; }

measure_create() {
    local number begun
    for number in 1 2 3; do
        begun=$EPOCHREALTIME
        fleet kestrelctl vms create "one-$number" --image "$work/web" -p 0:8080 >/dev/null
        note "create to healthy" hostd "$(milliseconds_since "$begun")" ms
        ((number == 3)) || fleet kestrelctl vms delete --force "one-$number" >/dev/null
    done
}

# requests URL: how many a second, eight at a time
requests() {
    local count=400 begun=$EPOCHREALTIME
    for _ in $(seq $count); do printf 'url = %s\noutput = /dev/null\n' "$1"; done >"$work/requests"
    curl --no-progress-meter --fail --no-keepalive --header 'Connection: close' --parallel --parallel-max 8 --config "$work/requests"
    awk -v count=$count -v ms="$(milliseconds_since "$begun")" 'BEGIN { printf "%.0f", count * 1000 / ms }'
}

measure_requests() {
    local direct balanced
    direct=$(ask_fleet /v1/vms/one-3 | jq '.ports[0].host')
    note "requests per second" direct "$(requests "http://127.0.0.1:$direct/")" 1/s
    fleet kestrelctl deployments create --name web --image "$work/web" --replicas 2 -p 0:8080 --wait >/dev/null
    balanced=$(ask_fleet /v1/deployments/web | jq '.publish[0].host')
    note "requests per second" "balanced over 2" "$(requests "http://127.0.0.1:$balanced/")" 1/s
    fleet kestrelctl vms delete --force one-3 >/dev/null
}

measure_fleet() {
    local empty full begun found
    fleet kestrelctl deployments scale web --replicas "$fleet_vms" --wait --timeout 10m >/dev/null
    full=$(private_memory "$daemon")
    empty=$empty_daemon
    note "private memory, no VM" hostd "$empty" KiB
    note "private memory per VM" hostd "$(awk -v a="$empty" -v b="$full" -v n="$fleet_vms" 'BEGIN { print (b - a) / n }')" KiB
    note "private memory" runner "$(private_memory "$(ask_fleet /v1/vms/web-1 | jq .pid)")" KiB
    kill -KILL "$daemon"
    wait "$daemon" 2>/dev/null || true
    : >"$work/hostd.log"
    begun=$EPOCHREALTIME
    start_daemon
    until found=$(sed -n 's/ info  all VMs that ran .*//p' "$work/hostd.log") && [[ $found ]]; do sleep 0.05; done
    note "start, until all $fleet_vms VMs are found" hostd \
        "$(awk -v a="$begun" -v b="$(date -d "$found" +%s.%N)" 'BEGIN { printf "%.1f", (b - a) * 1000 }')" ms
    has_fleet "$fleet_vms" || echo "bench: not all VMs are healthy" >&2
}

# The VMs would outlive the bench.
end_fleet() {
    local name
    [[ -n ${daemon:-} ]] || return 0
    kill -KILL "$daemon" 2>/dev/null || true
    for name in $(fleet kestrelctl list -q); do fleet kestrelctl stop --force --rm "$name" >/dev/null 2>&1 || true; done
}

open_daemon() {
    mkdir -p "$work/f/state"
    start_daemon
    until ask_fleet /v1/health >/dev/null; do sleep 0.02; done
}
close_daemon() {
    kill -TERM "$daemon"
    wait "$daemon" || true
    daemon=
}

bench_fleet() {
    fleet_image
    open_daemon
    empty_daemon=$(private_memory "$daemon")
    measure_create
    measure_requests
    measure_fleet
    fleet kestrelctl deployments delete web --wait >/dev/null
    close_daemon
}
