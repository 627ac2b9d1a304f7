#!/bin/bash
# The multi-tier example, as docs/examples.md runs it: nginx, three APIs and their database, five VMs on a bridge.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
. "$REPO/tests/support/hostd.sh"
. "$REPO/tests/support/bridge.sh"
time_limit=1200

example=$REPO/config-examples/multi-tier
# Five guests translated on two processors take their time.
patient=(--boot-timeout 4m --wait-timeout 10m)
has_healthy() { [ "$(deployment_json api '[.healthy, .state] | join(" ")')" = "$1 healthy" ]; }
requests_of() { kestrelctl logs "$1" | grep -c 'GET /users'; }

create_database() {
  cat >db-config.yaml <<'YAML'
#cloud-config
write_files:
  - path: /etc/environment
    content: |
      POSTGRES_PASSWORD=secure-production-password
      POSTGRES_DB=production
YAML
  kestrelctl vms create app-db --plugin postgres --cloud-init db-config.yaml "${patient[@]}"
  DB_IP=$(kestrelctl vms get app-db -o json | jq -r .ip)
}
sql() { PGPASSWORD=secure-production-password psql -h "$DB_IP" -U postgres -At "$@"; }

test_three_tiers_serve_are_scaled_and_answer_while_a_replica_is_replaced() {
  in_own_network
  bridge
  local tier
  for tier in postgres user-api multi-tier; do kestrelctl plugins install "$BUILD/images/$tier"; done
  KESTREL_NETWORK=bridge=br0 start_hostd

  create_database
  expect_equal "$(sql -d production -c "SELECT count(*) FROM users")" 0 "rows of the first schema"

  kestrelctl events vms --watch |
    jq -r --unbuffered 'select(.event=="vm.started" and .plugin=="user-api") | .ip' >addresses &
  jq '. + {progress_timeout: "10m"}' "$example/api-deployment.json" |
    kestrelctl deployments create -f - --boot-timeout 4m --wait --timeout 10m \
      -e DATABASE_URL="postgres://postgres:secure-production-password@$DB_IP/postgres?sslmode=disable"
  kestrelctl vms create web --plugin nginx-proxy "${patient[@]}"
  local web
  web=http://$(kestrelctl vms get web -o json | jq -r .ip)
  expect_contains "$(curl --silent --fail "$web/")" 'fetch("/api/users")' "the page"
  expect_equal "$(curl --silent --fail --json '{"name": "Ann", "email": "ann@example.org"}' "$web/api/users")" \
    '{"id":1,"name":"Ann","email":"ann@example.org"}' "the answer to POST"
  expect_equal "$(sql -d postgres -c 'SELECT name FROM users')" Ann "users in the database"

  # The replicas in turn, each with what another one has written.
  local users='[{"id":1,"name":"Ann","email":"ann@example.org"}]' number
  for number in 1 2 3 4 5 6; do expect_equal "$(curl --silent --fail "$web/api/users")" "$users" "users"; done
  for number in 1 2 3; do expect_equal "$(requests_of "api-$number")" 2 "requests to replica $number"; done

  kestrelctl deployments scale api --replicas 4 --wait --timeout 10m
  expect_equal "$(kestrelctl vms list -q | xargs)" "api-1 api-2 api-3 api-4 app-db web"

  # Nobody notices that one is killed, nor that another takes its place.
  kill -KILL "$(vm_json api-2 .vmm.pid)"
  wait_until 10 eval '! has_healthy 4'
  local deadline=$((SECONDS + 300))
  until has_healthy 4; do
    expect_equal "$(curl --silent --fail "$web/api/users")" "$users" "users meanwhile"
    [ "$SECONDS" -lt "$deadline" ] || fail "the replica was not replaced"
  done
  expect_equal "$(kestrelctl events vms | jq -r 'select(.event == "vm.crashed").vm')" api-2 "who crashed"

  balance_by_events
  kestrelctl deployments scale api --replicas 1 --wait
  expect_equal "$(curl --silent --fail "$web/api/users")" "$users" "users of the last replica"
  kestrelctl deployments delete api --wait
  expect_equal "$(curl --silent -o /dev/null -w '%{http_code}' "$web/api/users")" 502 "status without replicas"
}

# The seed's service discovery: the events have the addresses of the replicas, for an nginx that balances by itself.
balance_by_events() {
  wait_until 10 has_all_addresses
  sort -u addresses | sed 's/.*/server &:8080;/' | use_upstreams
  expect_equal "$(curl --silent --fail "$web/api/users")" "$users" "users by the replicas' own addresses"
  use_upstreams <"$example/upstreams.conf"
}
has_all_addresses() {
  [ "$(sort -u addresses)" = "$(kestrelctl vms list -o json | jq -r '.vms[] | select(.name | startswith("api-")).ip' | sort)" ]
}
use_upstreams() {
  cat >upstreams.conf
  kestrelctl cp -q upstreams.conf web:/etc/nginx/upstreams.conf
  kestrelctl exec -u 33:33 web -- /usr/sbin/nginx -e stderr -s reload
}

harness_main "$@"
