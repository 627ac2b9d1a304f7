#!/bin/bash
# The store of installed images, through `kestrelctl images`.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
export KESTREL_STATE_DIR KESTREL_RUNTIME_DIR

# bundle VERSION: an image of 12 MiB that nobody could boot, in $T/VERSION.
bundle() {
  KESTREL_STATE_DIR=$T/state KESTREL_RUNTIME_DIR=$T/run
  mkdir -p "$T/$1"
  { printf '070701'; head -c 12M /dev/urandom; } >"$T/$1/initramfs.cpio"
  printf '{"name": "big", "version": "%s", "description": "big", "initramfs": "initramfs.cpio", "checksums": {"initramfs.cpio": "%s"}}' \
    "$1" "$(sha256sum "$T/$1/initramfs.cpio" | cut -d' ' -f1)" >"$T/$1/manifest.json"
}

images() { "$BUILD/kestrelctl" images "$@"; }
blobs() { find "$T/state/images/blobs" -type f | sort; }

# What is listed is whole, and no temporary name is left.
expect_whole() {
  local blob
  for blob in $(images list -o json | jq -r '.images[].manifest.initramfs'); do
    echo "$blob  $T/state/images/blobs/$blob" | sha256sum --check --quiet
  done
}

test_a_kill_in_the_midst_of_an_installation_leaves_the_store_whole() {
  local round installing
  bundle 1 && bundle 2
  images install "$T/1"
  for round in $(seq 12); do
    images install "$T/2" >/dev/null 2>&1 &
    installing=$!
    # Spread over the whole of an installation, which takes some 50 ms.
    sleep "$(printf 0.%03d $((round * 7)))"
    kill -KILL "$installing" 2>/dev/null || true
    wait "$installing" 2>/dev/null || true
    expect_whole
    expect_contains "$(images list -q)" "big:1"
  done
  images install "$T/2"
  expect_equal "$(images list -q)" $'big:2\nbig:1' "what is installed"
  expect_equal "$(blobs | wc -l)" 2 "number of blobs, without what the killed ones left"
}

test_images_are_listed_shown_and_removed_as_table_json_and_yaml() {
  bundle 1.0
  expect_equal "$(images list)" "NAME   VERSION   SIZE   INSTALLED   DESCRIPTION" "the table of none"
  expect_equal "$(images install "$T/1.0")" big:1.0 "what install prints"
  expect_contains "$(images list)" "big    1.0       12 MiB"
  expect_equal "$(images list -o json | jq -r '.images[0] | .name + .version + .description')" big1.0big "the list in JSON"
  expect_contains "$(images list -o yaml)" $'  - description: big\n'
  expect_contains "$("$BUILD/kestrelctl" plugins show big)" 'name: big'
  expect_equal "$(images rm big)" big:1.0 "what rm prints"
  expect_equal "$(blobs)" "" "blobs that are left"
  expect_contains "$(images rm big 2>&1 || true)" "cannot find image big: it is not installed"
}

harness_main "$@"
