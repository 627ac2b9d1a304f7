# What an init costs while nothing happens. Sourced by run.

bench_idle() {
    local seeds=1 peer count services # the memory of two boots differs by a few KiB
    for peer in $(peers except kestrel-run); do
        for count in 1 10 100 1000; do
            services="$count service$( ((count == 1)) || echo s)"
            measure "$peer" services "$count" idle pss_kib=KiB="PSS with $services" processes=n="processes with $services" \
                wakeups=n="wake-ups in 20 s, $services"
        done
        per_service "$peer"
    done
}

# The slope between 100 and 1000 services.
per_service() {
    local few many
    few=$(noted "PSS with 100 services" "$1" | median)
    many=$(noted "PSS with 1000 services" "$1" | median)
    [[ -z $few || -z $many ]] || note "PSS per further service" "$1" "$(awk "BEGIN { printf \"%.2f\", ($many - $few) / 900 }")" KiB
}
