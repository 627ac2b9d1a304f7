# harness.sh: what a file of script tests begins with. Such a file defines functions whose names begin with test_ and go on
# with the fact they prove, and ends with `harness_main "$@"`. It can be run by itself; tests/run runs many.
#
#   FILE                 runs its tests          FILE --list    names them
#   FILE --one NAME      runs one, right here, without a time limit: for debugging
#
# A test runs in a process of its own, under `set -eEuo pipefail`, in an empty folder $T that is gone afterwards, and in a
# PID namespace of its own: whatever it leaves running ends with it. The first command that fails fails the test.
# A file may set `time_limit=SECONDS` (default 60) for all its tests.

set -uo pipefail
harness_file=$(realpath "$0")
REPO=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
BUILD=$(realpath -m "${BUILD:-$REPO/build}")

fail() {
  printf 'FAILED: %s\n' "$*"
  exit 1
}

# For what this machine cannot do; a skipped test is counted as such.
skip() {
  printf '%s\n' "$*"
  exit 77
}

# expect_equal ACTUAL EXPECTED [WHAT]
expect_equal() {
  [ "$1" = "$2" ] || fail "${3:-value} is
$1
and not
$2"
}

# expect_contains TEXT PART [WHAT]
expect_contains() {
  case $1 in *"$2"*) ;; *) fail "${3:-text} lacks '$2':
$1" ;; esac
}

expect_lacks() {
  case $1 in *"$2"*) fail "${3:-text} has '$2':
$1" ;; esac
}

# expect_status STATUS COMMAND...
expect_status() {
  local wanted=$1 status=0
  shift
  "$@" || status=$?
  expect_equal "$status" "$wanted" "exit status of '$*'"
}

# wait_until SECONDS COMMAND...: until it succeeds; it is asked every 20 ms.
wait_until() {
  local deadline=$((SECONDS + $1 + 1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || fail "waited in vain until: $*"
    sleep 0.02
  done
}

harness_tests() {
  grep -oE '^test_[a-zA-Z0-9_]+\(\)' "$harness_file" | tr -d '()'
}

harness_one() {
  T=${HARNESS_FOLDER:-$(mktemp -d)}
  cd "$T" || exit 1
  # The machine's own images and volumes are no concern of tests.
  export KESTREL_STATE_DIR=$T/state
  # Guests get our own vsock device, whatever this machine has.
  export KESTREL_VSOCK=user
  set -eE
  trap 'printf "FAILED: %s:%s: %s\n" "${BASH_SOURCE[0]##*/}" "$LINENO" "$BASH_COMMAND"' ERR
  "$1"
}

harness_main() {
  case ${1:-} in
    --list) harness_tests ;;
    --timeout) echo "${time_limit:-60}" ;;
    --one) harness_one "$2" ;;
    *) exec "$REPO/tests/support/run-scripts" "$@" "$harness_file" ;;
  esac
}
