#!/bin/bash
# Files and trees through the API, and kestrelctl cp over the same socket.
source "$(dirname "$0")/../support/harness.sh"
source "$(dirname "$0")/kestrel.sh"

start() {
  start_kestrel <<'YAML'
exec: [{name: web, command: /bin/sleep, args: ["1000"]}]
YAML
  wait_until 10 test -S "$T/api.sock"
  mkdir "$T/g"
}

# files METHOD QUERY [CURL ARGUMENT...]: the status is in $code, the answer in the file answer.
files() {
  code=$(curl --silent --output answer --write-out '%{http_code}' --unix-socket "$T/api.sock" \
    --request "$1" "http://vm/v1/files?$2" "${@:3}") || true
}
detail() { jq --raw-output .detail answer; }
entries() { find "$1" -mindepth 1 | sort; }
resident() { awk '/^VmHWM/ { print $2 }' "/proc/$kestrel/status"; }
cp_here() { "$BUILD/kestrelctl" cp "$@"; }
guest() { printf 'unix:%s/api.sock:%s' "$T" "$1"; }
unpack() { files PUT "path=$T/g&${1:-}" --upload-file - --header 'Content-Type: application/x-tar'; }

test_a_file_is_put_with_mode_and_owner_and_read_again() {
  start
  head -c 300000 /dev/urandom >data
  files PUT "path=$T/g/f&mode=4750&owner=daemon:7" --upload-file data
  expect_equal "$code" 201
  expect_equal "$(stat -c '%a %U %g' g/f)" "4750 daemon 7"
  files GET "path=$T/g/f"
  expect_equal "$code" 200
  cmp answer data
  files PUT "path=$T/g/f" --data-binary short
  expect_equal "$code $(cat g/f) $(stat -c '%a %U %g' g/f)" "200 short 4750 daemon 7"
  expect_equal "$(entries g)" g/f
}

test_head_tells_what_a_file_is_without_sending_it() {
  start
  echo hello >g/f
  curl --silent --head --unix-socket "$T/api.sock" "http://vm/v1/files?path=$T/g/f" >head
  expect_contains "$(cat head)" "Content-Length: 6"
  sed -n 's/^Kestrel-Entry: //p' head | jq --exit-status '.type == "file" and .size == 6 and .mode == "0644"' >/dev/null
}

test_a_folder_is_listed_with_what_is_known_of_each_entry() {
  start
  echo hello >g/f
  ln -s /nowhere g/l
  mkfifo g/p
  files GET "path=$T/g"
  jq --exit-status '[.entries[] | {name, type, target, owner}] | sort_by(.name) == [
    {name: "f", type: "file", target: null, owner: "root"},
    {name: "l", type: "symlink", target: "/nowhere", owner: "root"},
    {name: "p", type: "fifo", target: null, owner: "root"}]' answer >/dev/null
}

test_a_pipe_is_described_and_never_opened() {
  start
  mkfifo g/p
  files GET "path=$T/g/p" --max-time 5
  expect_equal "$code $(jq -r .type answer)" "200 fifo"
}

test_errors_have_fitting_statuses_and_a_cause() {
  start
  mkdir -p g/d/e
  files GET "path=$T/g/none"
  expect_equal "$code $(detail)" "404 cannot open $T/g/none: No such file or directory"
  files GET path=relative
  expect_equal "$code" 400
  files GET ''
  expect_equal "$code" 400
  files GET "path=$T/g%00x"
  expect_equal "$code" 400
  files PUT "path=$T/g/d" --data-binary x
  expect_equal "$code $(detail)" "409 cannot write $T/g/d: Is a directory"
  files PUT "path=$T/g/none/x" --data-binary x
  expect_equal "$code" 404
  files PUT "path=$T/g/x&mode=0888" --data-binary x
  expect_equal "$code" 400
  files PUT "path=$T/g/x&owner=no-such-user" --data-binary x
  expect_equal "$code" 400
  files DELETE "path=$T/g/d"
  expect_equal "$code" 409
  expect_contains "$(detail)" "recursive=1"
  files POST "path=$T/g/d"
  expect_equal "$code" 405
  files DELETE "path=/&recursive=1"
  expect_equal "$code" 400
  expect_equal "$(entries g)" "g/d
g/d/e"
}

test_a_tree_is_removed_only_when_asked_for_and_no_link_is_followed() {
  start
  mkdir -p g/d/e outside
  touch outside/keep
  ln -s "$T/outside" g/d/out
  for i in $(seq 2000); do : >"g/d/e/$i"; done
  files DELETE "path=$T/g/d&recursive=1"
  expect_equal "$code" 204
  expect_equal "$(entries g)" ""
  [ -e outside/keep ]
}

test_missing_folders_are_made_when_asked_for() {
  start
  files PUT "path=$T/g/a/b/f&parents=1" --data-binary x
  expect_equal "$code $(cat g/a/b/f)" "201 x"
  mkdir t && echo y >t/f
  tar cf t.tar t
  files PUT "path=$T/g/c/d&parents=1" --upload-file t.tar --header 'Content-Type: application/x-tar'
  expect_equal "$code" 200
  expect_equal "$(cat g/c/d/t/f)" y
}

test_nothing_leads_out_of_a_root() {
  start
  mkdir -p root/etc
  echo secret >secret
  echo inside >root/etc/passwd
  ln -s "$T/secret" root/absolute
  ln -s ../secret root/climbing
  ln -s /proc/self/root root/magic
  for path in ../secret /../secret etc/../../secret absolute climbing "magic$T/secret"; do
    files GET "root=$T/root&path=$path"
    case $code in 40[34]) ;; *) fail "$path was answered with $code: $(cat answer)" ;; esac
    files PUT "root=$T/root&path=$path" --data-binary changed
    files DELETE "root=$T/root&path=$path&recursive=1"
    expect_equal "$(cat secret)" secret "the secret after $path"
  done
  files GET "root=$T/root&path=/etc/passwd"
  expect_equal "$(cat answer)" inside
}

test_no_member_of_an_archive_gets_out() {
  start
  echo secret >secret
  mkdir evil && cd evil
  echo changed >secret
  tar --create --absolute-names --file absolute.tar --transform "s,^,$T/," secret
  tar --create --absolute-names --file climbing.tar --transform 's,^,../,' secret
  ln -s .. link
  tar --create --file through.tar link
  tar --append --absolute-names --file through.tar --transform 's,^secret,link/secret,' secret
  ln -s "$T" far
  tar --create --file hard.tar far
  python3 - <<'PY' 2>/dev/null || skip "needs python3"
import tarfile
with tarfile.open("hard.tar", "w") as tar:
    member = tarfile.TarInfo("hard")
    member.type, member.linkname = tarfile.LNKTYPE, "../secret"
    tar.addfile(member)
with tarfile.open("device.tar", "w") as tar:
    member = tarfile.TarInfo("null")
    member.type, member.devmajor, member.devminor = tarfile.CHRTYPE, 1, 3
    tar.addfile(member)
PY
  for archive in absolute climbing through hard device; do
    unpack <$archive.tar
    cp answer "$archive.json"
    expect_equal "$code" 403 "the answer to $archive.tar ($(cat answer))"
    expect_equal "$(cat "$T/secret")" secret "the secret after $archive.tar"
  done
  expect_equal "$(entries "$T/g")" "$T/g/link"
  expect_equal "$(jq -r .detail through.json)" \
    "cannot unpack link/secret: cannot open link/: it leads out of its folder (1 member was unpacked before)"
  unpack devices=1 <device.tar
  [ "$code" = 200 ] || expect_contains "$(detail)" "Operation not permitted"
}

test_a_client_that_dies_half_way_leaves_nothing() {
  start
  echo old >g/f
  mkfifo slow
  curl --silent --unix-socket "$T/api.sock" --upload-file - "http://vm/v1/files?path=$T/g/f" <slow &
  local client=$!
  exec 7>slow
  head -c 200000 /dev/zero >&7
  is_begun() { [ "$(entries g | wc -l)" = 2 ]; }
  wait_until 10 is_begun
  expect_equal "$(cat g/f)" old
  kill -KILL "$client"
  exec 7>&-
  is_gone() { [ "$(entries g)" = g/f ]; }
  wait_until 10 is_gone
  expect_equal "$(cat g/f)" old
}

test_a_full_disk_is_told_and_nothing_is_left() {
  start
  head -c 3000000 /dev/urandom >big
  # kestrel has a mount namespace of its own.
  nsenter --target "$kestrel" --mount mount -t tmpfs -o size=1m none "$T/g" || skip "cannot mount"
  files PUT "path=$T/g/f" --upload-file big
  expect_equal "$code" 507
  expect_contains "$(detail)" "the disk only"
  files PUT "path=$T/g/f" --upload-file - <big
  expect_equal "$code $(detail)" "507 cannot write $T/g/f: No space left on device"
  tar cf big.tar big
  unpack <big.tar
  expect_equal "$code $(detail)" "507 cannot write $T/g/big: No space left on device (nothing was unpacked)"
  expect_equal "$(nsenter --target "$kestrel" --mount find "$T/g" -mindepth 1)" ""
}

test_a_gigabyte_goes_through_in_constant_memory() {
  start
  truncate -s 1G big
  local before after
  before=$(resident)
  curl --silent --fail --unix-socket "$T/api.sock" "http://vm/v1/files?path=$T/big" | cmp - big
  curl --silent --fail --unix-socket "$T/api.sock" --header 'Accept: application/x-tar' \
    "http://vm/v1/files?path=$T/big" | tar xO | cmp - big
  files PUT "path=$T/g/f" --upload-file - < <(head -c 256M /dev/zero)
  expect_equal "$code $(stat -c %s g/f)" "201 $((256 << 20))"
  after=$(resident)
  [ $((after - before)) -lt 4096 ] || fail "it grew from $before to $after KiB"
}

test_a_reader_that_stands_still_delays_nobody() {
  start
  truncate -s 1G big
  mkfifo stuck
  curl --silent --unix-socket "$T/api.sock" "http://vm/v1/files?path=$T/big" >stuck &
  local client=$!
  exec 7<stuck
  head -c 1000000 <&7 | wc -c >/dev/null
  files PUT "path=$T/g/f" --data-binary x --max-time 5
  expect_equal "$code" 201
  api /v1/info --max-time 5 >/dev/null
  exec 7<&-
  wait "$client" || true
}

# Root can read nearly everything, but nobody walks a tree that is nested too deeply.
test_what_cannot_be_read_is_told_and_the_rest_is_copied() {
  start
  mkdir -p "t/$(printf 'd/%.0s' {1..300})"
  echo good >t/good
  expect_status 1 cp_here t "$(guest "$T/g")" 2>err
  expect_contains "$(cat err)" "d/d: File name too long"
  expect_contains "$(cat err)" "everything else was copied"
  expect_equal "$(cat g/t/good)" good
  expect_status 1 cp_here "$(guest "$T/t")" back 2>err
  expect_contains "$(cat err)" "d/d: File name too long"
  expect_equal "$(cat back/good)" good
  expect_status 1 cp_here "$(guest "$T/t")" - >t.tar 2>err
  expect_contains "$(cat err)" "d/d: File name too long"
  tar tf t.tar >/dev/null
}

# A tree with all that a copy has to keep.
make_tree() {
  mkdir -p tree/sub/"$(printf 'n%.0s' {1..200})"/deep
  head -c 700000 /dev/urandom >tree/sub/data
  echo hello >tree/hello
  chown 12:34 tree/hello
  chmod 4711 tree/hello
  ln -s ../nowhere tree/sub/link
  : >tree/empty
  mkdir tree/closed && echo x >tree/closed/x && chmod 0555 tree/closed
  touch -d '2001-02-03 04:05:06' tree/sub
}
described() { (cd "$1" && find . -printf '%P %y %m %U %G %l\n' | sort && find . -type f -exec md5sum {} + | sort); }

test_a_tree_is_the_same_after_there_and_back() {
  start
  make_tree
  cp_here -a tree "$(guest "$T/g")"
  cp_here -a "$(guest "$T/g/tree")" back
  expect_equal "$(described g/tree)" "$(described tree)"
  expect_equal "$(described back)" "$(described tree)"
  expect_equal "$(stat -c %Y back/sub)" "$(stat -c %Y tree/sub)"
}

test_without_archive_owners_are_roots_and_ones_own() {
  start
  make_tree
  cp_here tree "$(guest "$T/g/copy")"
  expect_equal "$(stat -c '%u %g %a' g/copy/hello)" "0 0 4711"
  cp_here "$(guest "$T/tree/hello")" mine
  expect_equal "$(stat -c '%u %g %a' mine)" "$(id -u) $(id -g) 711"
}

test_the_destination_means_what_it_means_to_docker() {
  start
  make_tree
  cp_here tree/. "$(guest "$T/g")"
  [ -f g/hello ]
  cp_here tree/hello "$(guest "$T/g/renamed")"
  [ -f g/renamed ]
  cp_here tree/hello "$(guest "$T/g/sub/")"
  [ -f g/sub/hello ]
  expect_status 1 cp_here tree/hello "$(guest "$T/g/none/")" 2>err
  expect_contains "$(cat err)" "the folder does not exist"
  expect_status 1 cp_here tree "$(guest "$T/g/hello")" 2>err
  expect_contains "$(cat err)" "a folder does not replace a file"
  expect_status 1 cp_here nothing "$(guest "$T/g")" 2>err
  expect_equal "$(cat err)" "kestrelctl: cannot copy nothing: No such file or directory"
  expect_status 64 cp_here tree other 2>err
}

test_archives_go_through_standard_input_and_output() {
  start
  make_tree
  tar c tree | cp_here - "$(guest "$T/g")"
  expect_equal "$(described g/tree)" "$(described tree)"
  mkdir unpacked
  cp_here "$(guest "$T/g/tree")" - | tar x -C unpacked
  expect_equal "$(cat unpacked/tree/hello)" hello
  head -c 5000 /dev/zero | tr '\0' x | expect_status 1 cp_here - "$(guest "$T/g")" 2>err
  expect_contains "$(cat err)" "no tar archive"
}

test_a_copy_that_is_interrupted_leaves_no_part_of_a_file() {
  start
  mkfifo slow
  cp_here - "$(guest "$T/g")" <slow &
  local copy=$!
  exec 7>slow
  truncate -s 10M big
  tar cf big.tar big
  head -c 1000000 big.tar >&7
  is_begun() { [ -n "$(entries g)" ]; }
  wait_until 10 is_begun
  kill -TERM "$copy"
  status=0
  wait "$copy" || status=$?
  exec 7>&-
  expect_equal "$status" 143
  is_clean() { [ -z "$(entries g)" ]; }
  wait_until 10 is_clean
}

harness_main "$@"
