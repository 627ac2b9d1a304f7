#!/bin/bash
# build.sh [OUT]   Makes the image from what `make` has built and fetched in $BUILD.
set -euo pipefail
here=$(realpath "$(dirname "$0")")
build=$(realpath "${BUILD:-$here/../../build}")
rootfs=$(mktemp -d)
trap 'rm -rf "$rootfs"' EXIT

mkdir -p "$rootfs/bin"
cp "$build/packages/busybox/bin/busybox" "$rootfs/bin"
for applet in sh httpd; do
    ln -s busybox "$rootfs/bin/$applet"
done

"$here/../../initramfs/build-image" --name bad-config --version 1.0.0 --build "$build" \
    --from "$rootfs" --config "$here/config.yaml" --no-check --memory 128M -o "${1:-$build/images/bad-config}"
