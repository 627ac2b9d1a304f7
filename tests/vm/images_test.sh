#!/bin/bash
# Installed images, and guests that run from them.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
time_limit=240

test_a_guest_runs_from_an_installed_image_which_cannot_be_removed_meanwhile() {
  export KESTREL_STATE_DIR=$T/state
  # Others make links to the same files meanwhile, which tar takes for a change.
  cp -r "$BUILD/images/static-site" site
  tar -czf site.tar.gz -C site .
  expect_equal "$(kestrelctl images install site.tar.gz)" static-site:1.0.0 "what install prints"
  start_vm web -p 0:8080 static-site:1.0.0
  curl --silent --fail "http://127.0.0.1:$(guest_port 8080)/" | cmp - "$REPO/config-examples/static-site/site/index.html"
  kestrelctl images rm static-site 2>refusal && fail "an image in use was removed"
  expect_contains "$(cat refusal)" "cannot remove image static-site:1.0.0: VM web uses it"
  kestrelctl images rm --force static-site
  [ -e "$(jq -r .initramfs "$(in_vm_folder vm.json)")" ] || fail "the guest's initramfs is gone"
  stop_vm
  kestrelctl images install "$BUILD/images/batch"
  expect_equal "$(find state/images/blobs -type f | wc -l)" 2 "number of blobs when the VM has ended"
}

harness_main "$@"
