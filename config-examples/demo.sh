#!/bin/bash
# demo.sh: boots the static site's image, fetches its page and shows the state of the guest; `make demo` runs it.
# Stays up until Ctrl-C. DEMO=once ends after the show; DEMO_PORT is the port on this host.
set -euo pipefail
build=$(realpath "${BUILD:-$(dirname "$0")/../build}")
kestrelctl=$build/kestrelctl
image=$build/images/static-site
url=http://127.0.0.1:${DEMO_PORT:-8080}/
patience=180 # seconds for a boot, which on a loaded machine without KVM takes long

heading() { printf '\n── %s\n' "$1"; }
show() {
    heading "$1"
    shift
    "$@" 2>&1 | sed 's/^/   /'
}
first_lines() { curl -fsS "$url" | head -n 9; }

# A process group of its own: Ctrl-C then reaches this script only, which hands it on.
set -m
heading "kestrelctl run $(basename "$image") -p ${DEMO_PORT:-8080}:8080 --name demo"
"$kestrelctl" run "$image" -p "${DEMO_PORT:-8080}:8080" --name demo </dev/null &
vm=$!
set +m
trap 'kill -TERM "$vm" 2>/dev/null || true' INT TERM EXIT

# Waits for the VM to end, through the signals that are handed on to it meanwhile, and ends with its status.
await_end() {
    local status
    while :; do
        wait "$vm" && status=0 || status=$?
        kill -0 "$vm" 2>/dev/null || break
    done
    trap - EXIT
    exit "$status"
}

is_healthy() { [[ $("$kestrelctl" status demo -o json 2>/dev/null | jq -r .state) == healthy ]]; }
until is_healthy; do
    kill -0 "$vm" 2>/dev/null || await_end
    if ((SECONDS >= patience)); then
        echo "demo: the guest is not healthy within $patience s" >&2
        exit 1
    fi
    sleep 0.2
done
show "curl $url" first_lines
show "kestrelctl services demo" "$kestrelctl" services demo
show "kestrelctl status demo" "$kestrelctl" status demo

if [[ ${DEMO-} == once ]]; then
    heading "shutting down"
    kill -TERM "$vm"
else
    heading "the site is at $url until Ctrl-C"
fi
await_end
