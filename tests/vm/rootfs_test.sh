#!/bin/bash
# Images whose files are on a disk: built, installed, and run by VMs that each write to a disk of their own.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
. "$REPO/tests/support/hostd.sh"
time_limit=240

# disk_image FORMAT: an image named disk, in $T/disk.tar.gz.
disk_image() {
  local applet
  export KESTREL_STATE_DIR=$T/state
  mkdir -p tree/bin tree/etc
  cp "$BUILD/packages/busybox/bin/busybox" tree/bin
  for applet in sh cat grep; do ln -s busybox "tree/bin/$applet"; done
  echo 'root:x:0:0:root:/root:/bin/sh' >tree/etc/passwd
  cat >disk.yaml <<'YAML'
exec:
  - name: once
    command: /bin/sh
    args: ["-c", "grep ' / ' /proc/mounts; cat /kept; echo kept >/kept; cat /kept"]
    run_once: true
YAML
  kestrelctl build --quiet --rootfs --format "$1" --from tree --config disk.yaml --name disk --version 1 -o disk.tar.gz
}

test_each_vm_writes_to_an_overlay_of_its_own_which_goes_with_it() {
  local turn blob
  disk_image qcow2
  kestrelctl images install disk.tar.gz
  for turn in 1 2; do
    run_vm disk
    expect_equal "$status" 0 "exit status of run $turn: $(cat err)"
    expect_contains "$(cat out)" "/dev/vda / ext4 rw"
    expect_contains "$(cat out)" "cat: can't open '/kept'" "what run $turn prints"
    expect_contains "$(cat out)" "[once] kept"
  done
  expect_equal "$(find state/overlays -mindepth 1)" "" "overlays that are left"
  blob=$(jq -r .manifest.rootfs state/images/manifests/disk/1.json)
  expect_equal "$(sha256sum <"state/images/blobs/$blob")" "$blob  -" "checksum of the base afterwards"
}

test_a_raw_disk_in_a_folder_serves_as_a_base_too() {
  disk_image raw
  mkdir image && tar -xzf disk.tar.gz -C image
  run_vm image
  expect_equal "$status" 0 "exit status: $(cat err)"
  expect_contains "$(cat out)" "[once] kept"
}

test_a_vm_of_hostds_keeps_its_overlay_until_it_is_deleted() {
  disk_image qcow2
  kestrelctl images install disk.tar.gz
  start_hostd
  kestrelctl vms create one --image disk --wait stopped
  kestrelctl vms start one --wait stopped
  expect_equal "$(kestrelctl logs one | grep -c kept$)" 2 "how often the second run prints what the first has kept"
  kestrelctl vms delete one
  expect_equal "$(find state/overlays -mindepth 1)" "" "overlays that are left"
}

harness_main "$@"
