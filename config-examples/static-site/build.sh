#!/bin/bash
# build.sh [OUT]   Makes the image from what `make` has built and fetched in $BUILD.
set -euo pipefail
here=$(realpath "$(dirname "$0")")
build=$(realpath "${BUILD:-$here/../../build}")
rootfs=$(mktemp -d)
trap 'rm -rf "$rootfs"' EXIT

mkdir -p "$rootfs/var/www"
cp -r "$here/site/." "$rootfs/var/www"

"$here/../../initramfs/build-image" --name static-site --version 1.0.0 --build "$build" \
    --from "$rootfs" --config "$here/config.yaml" \
    --program "$build/packages/caddy/usr/bin/caddy:/bin/caddy" --sysroot "$build/packages/caddy" \
    --memory 128M --port 8080 -o "${1:-$build/images/static-site}"
