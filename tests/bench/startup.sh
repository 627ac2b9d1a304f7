# How soon services run after the exec of PID 1. Sourced by run.

bench_startup() {
    local peer
    for peer in $(peers); do
        measure "$peer" services 1 start start_ns=ms="exec of PID 1 to main"
    done
    for peer in $(peers); do
        measure "$peer" services 500 start start_ns=ms="500 services up"
        measure "$peer" chain 200 start start_ns=ms="chain of 200 jobs"
    done
}
