# kestrel in guest mode, without kestrel.link. It mounts everything itself, in its own time.

kestrel_base() {
    mkdir -p "$tree/etc/kestrel"
    cp "$build/kestrel" "$tree/sbin/kestrel"
    echo "exec:" >"$tree/etc/kestrel/config.yaml"
    start_with bare /sbin/kestrel
    power_off_with /w signal 15
}

kestrel_service() {
    printf '  - {name: %s, command: /w, args: [service, "0", %s], restart: {backoff: {initial: 0}}}\n' "$1" "$1" >>"$tree/etc/kestrel/config.yaml"
}

kestrel_job() {
    printf '  - {name: %s, command: /w, args: [job, %s], run_once: true%s}\n' "$1" "$1" "${2:+, depends_on: [$2]}" >>"$tree/etc/kestrel/config.yaml"
}
