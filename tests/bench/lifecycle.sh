# Restarts, adopted orphans and the way down. Sourced by run.

# One boot has many of them, as has the next part.
bench_restart() {
    local seeds=1 peer
    for peer in $(peers except kestrel-run); do
        measure "$peer" restart 1 restart restart_ns=ms="kill -9 to main" rapid_restart_ns=ms="kill -9 to main, 10 a second"
    done
}

bench_reap() {
    local seeds=1 peer
    for peer in $(peers except kestrel-run); do
        measure "$peer" services 1 reap reap_cpu_ns=ms="CPU for 20000 orphans" reap_ns=ms="time for 20000 orphans"
    done
}

bench_shutdown() {
    local peer count
    for peer in $(peers except kestrel-run); do
        for count in 10 100; do
            measure "$peer" services "$count" shutdown power_off=ms="shutdown of $count services"
        done
    done
}
