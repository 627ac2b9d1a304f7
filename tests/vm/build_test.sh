#!/bin/bash
# `kestrelctl build`, with a real kernel's modules; what is built boots.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
time_limit=240

# build ARGUMENT...: of the tree $tree, with a config that is right, unless the arguments say otherwise.
build() {
  "$BUILD/kestrelctl" build --quiet --name t --version 1 --from "${tree:-tree}" --config "${config:-good.yaml}" "$@"
}
configs() {
  echo 'exec: [{name: a, command: /bin/a, run_once: true}]' >good.yaml
  printf 'exec:\n  - name: a\n    comand: /bin/a\n' >bad.yaml
}
# a_tree FOLDER NAME...: the same files, made in the order given
a_tree() {
  local name
  mkdir -p "$1/etc" "$1/bin"
  for name in "${@:2}"; do echo "$name" >"$1/etc/$name"; done
  printf '#!/bin/sh\n' >"$1/bin/a"
  chmod +x "$1/bin/a"
}
unpacked() { zstd -qdc "$1/initramfs.cpio.zst"; }
# refused TEXT ARGUMENT...: fails, says TEXT, and leaves nothing behind.
refused() {
  local message
  ! message=$(build -o refused "${@:2}" 2>&1) || fail "no error: ${*:2}"
  expect_contains "$message" "$1"
  [ -z "$(find . -maxdepth 1 -name 'refused*' -o -maxdepth 1 -name '.kestrel-build*')" ] || fail "something is left of: ${*:2}"
}

test_the_same_input_makes_the_same_bytes_whatever_umask_order_and_time() {
  configs
  (umask 022 && a_tree tree a b c)
  (umask 002 && a_tree other c b a && touch -d 2001-01-01 other/etc/b)
  build -o one.tar.gz
  (umask 077 && tree=other build -o two.tar.gz)
  cmp one.tar.gz two.tar.gz
  SOURCE_DATE_EPOCH=1000000000 build -o later.tar.gz
  ! cmp --quiet one.tar.gz later.tar.gz || fail "the time of the files is not SOURCE_DATE_EPOCH"
}

test_modules_are_in_the_image_in_the_order_in_which_they_load() {
  local before='' module
  configs && a_tree tree
  build -o one
  unpacked one | cpio -it --quiet >list
  for module in $(unpacked one | cpio -i --quiet --to-stdout lib/modules/kestrel.order); do
    grep -qx "${module#/}" list
    before+=" $(basename "$module" .ko)"
  done
  [[ $before == *" virtio_ring"*" virtio_mmio"* && $before == *" vsock"*" vmw_vsock_virtio_transport" ]] || fail "order:$before"
}

test_the_checksums_of_a_manifest_are_those_of_the_files() {
  configs && a_tree tree
  build -o one.tar.gz
  expect_equal "$(tar -tzf one.tar.gz)" $'manifest.json\ninitramfs.cpio.zst\nvmlinux' "what is in the archive"
  mkdir one && tar -xzf one.tar.gz -C one && cd one
  jq -r '.checksums | to_entries[] | "\(.value)  \(.key)"' manifest.json | sha256sum --check --quiet
}

test_what_is_wrong_is_named_and_leaves_nothing_behind() {
  configs && a_tree tree
  config=bad.yaml refused "bad.yaml:3:5: unknown key 'comand'"
  refused "cannot add the module nosuch: it is neither in " --needs nosuch
  refused "cannot add the program /no/such: there is no such file" --program /no/such
  refused "cannot use --memory \`lots\`" --memory lots
  tree=nosuch refused "cannot build from nosuch: it is not there"
  config=nosuch refused "cannot open nosuch: No such file or directory"
  printf '[plugin]\nname = "a"\nversion = "1"\n[plugin.runtime]\ntype = "initramfs"\nsorce = "x"\n' >fledge.toml
  "$BUILD/kestrelctl" build 2>message && fail "an unknown key was taken"
  expect_equal "$(cat message)" 'kestrelctl: fledge.toml:6:1: unknown key `plugin.runtime.sorce`, did you mean `source`?'
  printf '#!/bin/sh\necho to do >&2\nexit 3\n' >build.sh
  sed -i 's/^sorce.*/build_script = "build.sh"/' fledge.toml
  "$BUILD/kestrelctl" build 2>message && fail "a failing script was taken"
  expect_contains "$(cat message)" "to do"
  expect_contains "$(cat message)" "cannot run bash: it ended with status 3"
}

test_what_a_killed_build_leaves_is_removed_by_the_next() {
  configs && a_tree tree
  mkdir .kestrel-build-killed && touch .kestrel-build-killed/file
  mkdir .kestrel-build-running
  flock .kestrel-build-running sleep 100 &
  wait_until 5 locked .kestrel-build-running
  build -o image
  expect_equal "$(find . -maxdepth 1 -name '.kestrel-build*')" ./.kestrel-build-running "what is left"
}
locked() { ! flock --nonblock "$1" true; }

test_a_folder_that_is_no_image_is_left_alone() {
  configs && a_tree tree
  mkdir mine && touch mine/file
  ! build -o mine 2>message || fail "it was replaced"
  expect_contains "$(cat message)" "cannot replace mine: it is not an image"
  [ -e mine/file ] || fail "the file is gone"
  build -o new && build -o new
}

test_a_plugin_is_built_installed_and_run_as_its_seed_says() {
  export KESTREL_STATE_DIR=$T/state
  cp "$BUILD/packages/busybox/bin/busybox" .
  mkdir site && echo hello >site/index.html
  cat >fledge.toml <<'TOML'
# fledge.toml
[plugin]
name = "static-site"
version = "1.0.0"
description = "Static website"

[plugin.runtime]
type = "initramfs"
build_script = "./build.sh"
compression = "gzip"

[plugin.manifest]
workload.type = "http"
workload.port = 8080

resources.vcpu = 1
resources.memory_mb = 128
TOML
  cat >build.sh <<'SCRIPT'
#!/bin/bash
set -e
mkdir -p rootfs/{bin,etc/kestrel,var/www}
cp busybox rootfs/bin/
cp -r site/* rootfs/var/www/
cat > rootfs/etc/kestrel/config.yaml <<'EOF'
exec:
  - name: httpd
    command: /bin/busybox
    args: ["httpd", "-f", "-p", "8080", "-h", "/var/www"]

health:
  http:
    port: 8080
    path: /
EOF
cd rootfs
find . | cpio -o -H newc | gzip > ../initramfs.cpio.gz
cd .. && rm -r rootfs
SCRIPT
  kestrelctl build 2>steps
  expect_contains "$(cat steps)" "kestrelctl: running ./build.sh"
  kestrelctl plugins install ./static-site.tar.gz
  start_vm website -p 0:8080 static-site
  expect_equal "$(curl --silent --fail "http://127.0.0.1:$(guest_port 8080)/")" hello "the page"
  stop_vm
}

harness_main "$@"
