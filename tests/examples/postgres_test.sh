#!/bin/bash
# The PostgreSQL example, as its README runs it.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
time_limit=600

start_database() {
  export KESTREL_STATE_DIR=$T/state
  cat >db-config.yaml <<'YAML'
#cloud-config
write_files:
  - path: /etc/environment
    content: |
      POSTGRES_PASSWORD=secure-production-password
      POSTGRES_DB=production
YAML
  launch_vm db "$BUILD/images/postgres" --volume data:/var/lib/postgresql:256M -p 0:5432 --cloud-init db-config.yaml --boot-timeout 2m
  wait_until 240 is_healthy_or_over
  kill -0 "$runner" 2>/dev/null || fail "the VM ended before it was healthy: $(cat err out)"
}

# In the guest, over TCP, so that the password counts.
sql() {
  kestrelctl exec -e PGPASSWORD="${password:-secure-production-password}" db psql -h 127.0.0.1 -U postgres -d production -At -c "$1"
}

test_a_database_has_the_password_of_cloud_init_and_outlives_a_kill_of_its_vm_on_its_volume() {
  start_database
  sql "INSERT INTO users (username, email) VALUES ('ann', 'ann@example.org')"
  expect_equal "$(sql 'SELECT username FROM users')" ann "users"
  ! password=changeme sql 'SELECT 1' 2>refusal || fail "a wrong password was taken"
  expect_contains "$(cat refusal)" "password authentication failed"
  (exec 3<>"/dev/tcp/127.0.0.1/$(guest_port 5432)") || fail "the published port does not answer"

  kill -KILL "$runner"
  await_end
  # QEMU goes with its runner, and has the volume until then.
  wait_until 30 flock --nonblock "$KESTREL_STATE_DIR/volumes/data.raw" true
  start_database
  expect_equal "$(sql 'SELECT username FROM users')" ann "users after the kill"
  expect_contains "$(cat out)" "database system was not properly shut down; automatic recovery in progress"
  stop_vm
  expect_equal "$status" 0 "exit status"
}

harness_main "$@"
