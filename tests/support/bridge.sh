# bridge.sh: a bridge for guests, in a network of the test's own; for tests that source harness.sh.

# Begins the test anew where the machine's network cannot be touched, on the first call.
in_own_network() {
  [ -n "${own_network-}" ] || own_network=yes exec unshare --net bash "$harness_file" --one "${FUNCNAME[1]}"
  ip link set lo up
}

# br0, whose guests have 10.77.0.2 and so on.
bridge() {
  ip link add br0 type bridge
  ip address add 10.77.0.1/24 dev br0
  ip link set br0 up
}
