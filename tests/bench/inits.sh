# The inits that `make bench` compares: each function makes a tree in which COUNT services are started. Sourced by run.

# The least there can be: the service is PID 1.
tree_floor() {
    new_tree "$1"
    start_with "$1" /w service
}

tree_busybox() { # tree_busybox DIR COUNT ARG...
    new_tree "$1"
    cp "$build/packages/busybox/bin/busybox" "$1/bin/busybox"
    ln -s ../bin/busybox "$1/sbin/init"
    local turn
    # It takes lines with the same command for one, hence the number; the workload ignores it.
    for ((turn = 0; turn < $2; turn++)); do echo "::respawn:/w ${*:3}$([[ $3 != idle ]] || echo " $turn")"; done >"$1/etc/inittab"
    start_with "$1" /sbin/init
}

# Guest mode without kestrel.link: it mounts everything itself, which the others do not do.
tree_kestrel() { # tree_kestrel DIR COUNT ARG...
    new_tree "$1"
    cp "$build/kestrel" "$1/sbin/kestrel"
    local turn arguments
    printf -v arguments '"%s", ' "${@:3}"
    {
        echo "exec:"
        for ((turn = 0; turn < $2; turn++)); do
            echo "  - {name: w$turn, command: /w, args: [${arguments%, }]}"
        done
    } >"$1/etc/kestrel/config.yaml"
    start_with "$1" /sbin/kestrel
}
