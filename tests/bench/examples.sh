# The examples: how big their images are, how long they take to build and to get healthy, and what kestrel costs over their
# workload as PID 1. Sourced by run.

examples=(static-site multi-tier user-api flask-app postgres cron)

# build_example FOLDER ARGUMENT...: the image of the example that is in there, as the Makefile makes it.
build_example() {
    local arguments=() go=$build/packages/go
    case ${1##*/} in
        static-site) arguments=(--sysroot "$build/packages/caddy") ;;
        multi-tier) arguments=(--sysroot "$build/packages/nginx") ;;
        user-api) ;;
        *) arguments=(--from "$build/rootfs/${1##*/}.tar") ;;
    esac
    PATH=$go/usr/lib/go-1.19/bin:$PATH GOROOT=$go/usr/lib/go-1.19 GOPATH=$go/usr/share/gocode GOCACHE=$work/go-cache \
        "$build/kestrelctl" build --quiet -f "$1/fledge.toml" "${arguments[@]}" "${@:2}" >/dev/null
}

measure_build() {
    local begun=$EPOCHREALTIME image=$work/images/$1
    build_example "$root/config-examples/$1" -o "$image"
    note "image is built" "$1" "$(milliseconds_since "$begun")" ms
    note "image without its kernel" "$1" "$(($(du -cb --exclude=vmlinux "$image"/* | tail -n 1 | cut -f 1) / 1024))" KiB
}

# --- created to healthy ------------------------------------------------------------------------------------------------

# seconds_of EVENT VM
seconds_of() { date -d "$(ask_fleet "/v1/events?vm=$2" | jq -r "select(.event == \"$1\").time" | head -n 1)" +%s.%N; }

# measure_healthy EXAMPLE OPTION...: leaves the VM running
measure_healthy() {
    fleet kestrelctl vms create "$1" --image "$work/images/$1" --wait-timeout 10m --boot-timeout 2m "${@:2}" >/dev/null
    note "created to healthy" "$1" \
        "$(awk -v a="$(seconds_of vm.created "$1")" -v b="$(seconds_of vm.healthy "$1")" 'BEGIN { printf "%.0f", (b - a) * 1000 }')" ms
}

delete_vms() {
    local vm
    for vm; do fleet kestrelctl vms delete --force "$vm" >/dev/null; done
}

# One at a time, but that the API needs the database.
measure_all_healthy() {
    local example port
    for example in static-site multi-tier flask-app cron; do
        measure_healthy "$example"
        delete_vms "$example"
    done
    measure_healthy postgres -p 0:5432
    port=$(ask_fleet /v1/vms/postgres | jq '.ports[0].host')
    measure_healthy user-api --network user -e "DATABASE_URL=postgres://postgres:changeme@10.0.2.2:$port/postgres?sslmode=disable"
    delete_vms user-api postgres
}

# --- what kestrel costs ------------------------------------------------------------------------------------------------

words() { printf '%s\n' "$@"; }

# example_tree EXAMPLE: its files in $tree, those of a disk too: bare guests of a disk would need somebody to mount it.
example_tree() {
    local folder=$work/memory/$1
    rm -rf "$folder" "$tree"
    mkdir -p "$work/memory" "$tree"
    cp -r "$root/config-examples/$1" "$folder"
    sed -i 's/^type = "oci"/type = "initramfs"/' "$folder/fledge.toml"
    build_example "$folder" -o "$folder.image"
    (cd "$tree" && zstd -dcq "$folder.image/initramfs.cpio.zst" | cpio --quiet -id --no-absolute-filenames)
    mv "$tree/init" "$tree/kestrel"
    cp "$build/support/bench_example" "$tree/init"
}

# What an example's workload is without kestrel: $client says where it answers, the files what bench_example.cc reads.
static_site_alone() {
    client="8080 /"
    words /bin/caddy file-server --root /var/www --listen :8080 >"$tree/bench.init"
}
multi_tier_alone() {
    client="80 /"
    echo "nobody:x:33:33::/:/" >"$tree/etc/passwd"
    echo "nogroup:x:33:" >"$tree/etc/group"
    words /usr/sbin/nginx -e stderr -g "daemon off;" >"$tree/bench.init"
}
flask_app_alone() {
    client="5000 /api/items"
    words /usr/bin/env -C /app /usr/local/bin/python init_db.py >"$tree/bench.before"
    words /usr/bin/env -C /app FLASK_ENV=production /usr/local/bin/python app.py >"$tree/bench.init"
}
postgres_alone() {
    client=5432
    echo "POSTGRES_PASSWORD=bench" >"$tree/etc/environment"
    echo "SELECT count(*) FROM pg_class;" >"$tree/bench.sql"
    local pgbench=(/usr/bin/env PGPASSWORD=bench /usr/lib/postgresql/15/bin/pgbench -n -f /bench.sql -h 127.0.0.1 -U postgres)
    words "${pgbench[@]}" -R 25 -T 60 postgres >"$tree/bench.paced"
    words "${pgbench[@]}" -t 1500 postgres >"$tree/bench.hurried"
    words /usr/bin/env PATH=/usr/bin:/bin POSTGRES_PASSWORD=bench POSTGRES_DB=myapp /scripts/init-db.sh >"$tree/bench.before"
    words /usr/bin/setpriv --reuid=postgres --regid=postgres --init-groups /usr/local/bin/postgres -D /var/lib/postgresql/data -k /run \
        >"$tree/bench.init"
}

# measure_run EXAMPLE alone|kestrel
measure_run() {
    local guest_memory=2048 init_arguments='' seed results
    results=("start_ns=ms=first answer, $2" "paced_ns=ms=$paced, $2" "hurried_ns=ms=$hurried, $2")
    [[ $2 == alone ]] || results+=("init_ns=ms=$paced, PID 1")
    pack_tree with-owners
    for seed in $(seq "$seeds"); do
        boot_counted "$seed" "$2" "$client" >"$work/console.$seed" &
    done
    wait
    for seed in $(seq "$seeds"); do
        take_results "$work/console.$seed" "$1" "${results[@]}" || without "$1" "$reason" "${results[@]}"
    done
}

paced="1500 requests in a minute" hurried="1500 requests at once"
measure_overhead() {
    local tree=$work/example client amount
    example_tree "$1"
    "${1//-/_}_alone"
    mv "$tree/kestrel" "$work/kestrel"
    measure_run "$1" alone
    mv "$work/kestrel" "$tree/kestrel"
    rm -f "$tree/bench.before"
    words /kestrel >"$tree/bench.init"
    measure_run "$1" kestrel
    for amount in "$paced" "$hurried"; do note_overhead "$amount" "$1"; done
}

# note_overhead AMOUNT EXAMPLE: in percent of what it takes alone, where both are known
note_overhead() {
    local alone whole
    alone=$(noted "$1, alone" "$2" | median) whole=$(noted "$1, kestrel" "$2" | median)
    [[ -z $alone || -z $whole ]] || note "$1, more with kestrel" "$2" "$(awk -v a="$alone" -v b="$whole" 'BEGIN { printf "%.1f", (b - a) / a * 100 }')" %
}

bench_examples() {
    local example
    for example in "${examples[@]}"; do measure_build "$example"; done
    open_daemon
    measure_all_healthy
    close_daemon
    for example in static-site multi-tier flask-app postgres; do measure_overhead "$example"; done
}
