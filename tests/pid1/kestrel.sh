# kestrel.sh: the real binary as PID 1 of a PID namespace, for tests that source harness.sh. A test has one kestrel.

# Reads the configuration from stdin; the processes' working folder is $T where they ask for it. The program's log is in
# $T/log, its API on $T/api.sock, and its pid, as we see it, in $kestrel.
start_kestrel() {
  cat >config.yaml
  unshare --pid --mount-proc --fork --kill-child "$BUILD/kestrel" run -c config.yaml --api "unix:$T/api.sock" "$@" \
    >"$T/out" 2>"$T/log" &
  launcher=$!
  wait_until 10 has_started
  kestrel=$(children_of "$launcher")
}

# The same without a namespace of its own.
start_kestrel_as_process() {
  cat >config.yaml
  "$BUILD/kestrel" run -c config.yaml --api "unix:$T/api.sock" "$@" >"$T/out" 2>"$T/log" &
  launcher=$! kestrel=$!
}

# Until it is over by itself; its status is in $status. The time limit is the test's.
await_end() {
  status=0
  wait "$launcher" || status=$?
}

# Runs the configuration on stdin to its end, as a batch.
run_kestrel() {
  start_kestrel "$@"
  await_end
}

# run_job KEYS SCRIPT: a job with these further keys (YAML, flow style); what its script prints is in $printed.
run_job() {
  run_kestrel <<YAML
exec:
  - name: job
    command: /bin/sh
    args: ["-c", "$2"]
    run_once: true
$1
YAML
  printed=$(sed -n 's/^\[job\] //p' log)
}

children_of() { ps --no-headers -o pid --ppid "$1" | tr -d " " || true; }
has_started() { [ -n "$(children_of "$launcher")" ] || ! kill -0 "$launcher"; }
zombies() { ps --no-headers -eo stat | grep -c '^Z' || true; }

api() { curl --silent --show-error --fail-with-body --unix-socket "$T/api.sock" "http://vm$1" "${@:2}"; }

# service NAME FILTER: what jq's FILTER finds in a service's description.
service() { api "/v1/services/$1" | jq --raw-output "$2"; }

is_in_state() { [ "$(service "$1" .state)" = "$2" ]; }
await_state() { wait_until 20 is_in_state "$1" "$2"; }

# The event lines of the log, without time and level.
events() { sed -nE 's/^[^ ]+ +(info|warn|error) +((service|job|vm)\..*)$/\2/p' "$T/log"; }

log_has() { grep -qF -- "$1" "$T/log"; }
