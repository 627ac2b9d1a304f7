#!/bin/bash
# The commands of Volant's guide, as it has them, with kestrelctl in the place of volar and fledge: docs/from-volant.md lists them.
# What it does with a database and three tiers is in multi_tier_test.sh.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
. "$REPO/tests/support/vm.sh"
. "$REPO/tests/support/hostd.sh"
. "$REPO/tests/support/bridge.sh"
time_limit=900

volar() { kestrelctl "$@"; }
fledge() { kestrelctl "$@" --quiet --sysroot "$BUILD/packages/caddy"; }
# Guests translated beside others take longer than what is right for users.
patient=(--boot-timeout 4m --wait-timeout 10m)
healthy() { deployment_json "$1" '[.healthy, .state] | join(" ")'; }

test_a_static_site_and_a_web_app_are_built_installed_created_and_read() {
  in_own_network
  bridge
  KESTREL_NETWORK=bridge=br0 start_hostd

  cp -r "$REPO/config-examples/static-site/." .
  fledge build
  volar plugins install ./static-site.tar.gz
  volar vms create website --plugin static-site "${patient[@]}"
  expect_contains "$(curl --silent --fail "http://$(volar vms get website -o json | jq -r .ip):8080")" "<h1>" "the page"

  volar plugins install "$BUILD/images/flask-app"
  cat > user-data.yaml <<EOF
#cloud-config
write_files:
  - path: /app/.env
    content: |
      SECRET_KEY=prod-secret-key-here
      DATABASE_URL=/app/data/app.db
EOF
  volar vms create app \
    --plugin flask-app \
    --cloud-init user-data.yaml "${patient[@]}"
  expect_equal "$(kestrelctl exec app cat /app/.env | head -n 1)" "SECRET_KEY=prod-secret-key-here" "/app/.env"
  expect_equal "$(curl --silent --fail "http://$(volar vms get app -o json | jq -r .ip):5000/health" | jq -c .)" '{"status":"healthy"}' "/health"
  volar vms delete --force website
  volar vms delete --force app
}

# install_version VERSION: an API of that version, small enough to be had in numbers.
install_version() {
  mkdir -p "api-$1/bin" "api-$1/www"
  cp "$BUILD/packages/busybox/bin/busybox" "api-$1/bin"
  echo "$1" >"api-$1/www/health"
  cat >api.yaml <<'CONFIG'
exec:
  - {name: api, command: /bin/busybox, args: ["httpd", "-f", "-p", "8080", "-h", "/www"]}
health:
  http: {port: 8080, path: /health, interval: 1s}
CONFIG
  kestrelctl build --quiet --from "api-$1" --config api.yaml --name user-api --version "$1" --memory 96M -o "image-$1" >/dev/null
  kestrelctl plugins install "./image-$1"
}
# curl without a network of the VMs' own: by the port that the deployment publishes.
ask_load_balancer() { curl --silent --fail "http://127.0.0.1:$(deployment_json "$1" '.publish[0].host')/health"; }

test_two_versions_are_deployed_beside_each_other_and_scaled_against_each_other() {
  install_version 1.0.0
  install_version 2.0.0
  start_hostd

  volar deployments create \
    --name api-blue \
    --plugin user-api:1.0.0 \
    --replicas 2 -p 0:8080
  volar deployments create \
    --name api-green \
    --plugin user-api:2.0.0 \
    --replicas 2 -p 0:8080
  wait_until 300 eval '[ "$(healthy api-blue) $(healthy api-green)" = "2 healthy 2 healthy" ]'
  expect_equal "$(ask_load_balancer api-blue) $(ask_load_balancer api-green)" "1.0.0 2.0.0" "the versions"
  expect_equal "$(volar deployments list -q | xargs)" "api-blue api-green"
  volar deployments delete api-blue

  # The canary: what is left is version 2 with all of the traffic.
  cat > deployment.json <<EOF
{
  "name": "api-v1",
  "plugin": "user-api:1.0.0",
  "replicas": 2
}
EOF
  volar deployments create -f deployment.json
  volar deployments scale api-v1 --replicas 1
  volar deployments scale api-green --replicas 3
  wait_until 300 eval '[ "$(healthy api-v1) $(healthy api-green)" = "1 healthy 3 healthy" ]'
  expect_equal "$(volar deployments get api-green -o json | jq -r .image)" user-api:2.0.0 "its image"
  volar deployments delete api-v1
  wait_until 60 eval '[ "$(volar vms list -q | xargs)" = "api-green-1 api-green-2 api-green-3" ]'
  volar deployments delete api-green --wait
}

harness_main "$@"
