# The least that can be called an init: what the kernel, the machine and the service themselves cost in each measure. Where
# one service is all there is to start, that service is PID 1.

floor_lacks() {
    if [[ $measured == shutdown ]]; then
        reason="knows no way down"
        return 1
    fi
}

floor_base() {
    cp "$build/support/bench_floor" "$tree/sbin/init"
    start_with mounted /sbin/init
}
floor_service() {
    echo "service $1" >>"$tree/bench.plan"
    if [[ $measured == start ]] && ((count == 1)); then start_with mounted /w service 0; fi
}
floor_job() { echo "job $1" >>"$tree/bench.plan"; }
