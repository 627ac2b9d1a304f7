#!/bin/bash
# What `make install` and `make deb` put where.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../support/harness.sh"
time_limit=120

make_in_tree() { env -u MAKEFLAGS -u MAKELEVEL make --silent -C "$REPO" BUILD="$BUILD" "$@" >make.log 2>&1 || fail "$(cat make.log)"; }
files_of() { dpkg-deb --contents "$1" | awk '$1 !~ /^d/ { print $2, $6 }'; }

test_the_packages_have_all_that_is_installed_and_it_runs_from_there() {
  command -v dpkg-deb dpkg-shlibdeps >/dev/null || skip "this is no Debian"
  # As `make deb` does: a lean kernel, where one has been built, is not packed.
  make_in_tree install DESTDIR="$T/root" PREFIX=/usr lean_kernel=
  "$REPO/packaging/make-deb" 1.2.3 root debs
  local package
  for package in debs/*.deb; do
    dpkg-deb --extract "$package" unpacked
    files_of "$package"
  done | sed 's,.*\./,/,' | grep -v /usr/share/doc/ | sort >packed
  expect_equal "$(cat packed)" "$(cd root && find . -type f | sed 's,^\.,,' | sort)" "the files of the packages"
  expect_equal "$(for package in debs/*.deb; do files_of "$package"; done | awk '$1 != "root/root"')" "" "files that are not root's"
  expect_contains "$(dpkg-deb --field debs/kestrel-host_1.2.3_*.deb Depends)" "libuv1"
  expect_equal "$(unpacked/usr/bin/kestrelctl version)" "kestrelctl $(cat "$REPO/VERSION")"
  expect_equal "$(unpacked/usr/sbin/hostd --version)" "hostd $(cat "$REPO/VERSION")"
  for package in debs/*.deb; do dpkg-deb --control "$package" control; done
  for script in control/p*; do sh -n "$script"; done
}

test_units_start_what_is_installed_and_leave_vms_alone() {
  local prefix unit
  for prefix in /usr /usr/local; do
    make_in_tree install DESTDIR="$T/$prefix" PREFIX=$prefix
    unit=$(find "$T$prefix" -name hostd.service)
    [ -x "$T/$prefix$(sed -n 's/^ExecStart=\([^ ]*\) serve$/\1/p' "$unit")" ] || fail "$prefix: the unit starts what is not there"
    expect_contains "$(cat "$unit")" "KillMode=process"
  done
  expect_contains "$(cat "$(dirname "$unit")/hostd.socket")" "ListenStream=/run/kestrel/hostd.sock"
}

test_manual_pages_are_sound_and_have_every_command() {
  command -v man >/dev/null || skip "there is no man here"
  local program
  for program in kestrelctl hostd kestrel; do
    expect_equal "$(LC_ALL=C MANWIDTH=200 man --warnings --local-file "$BUILD/completion/$program.man" 2>&1 >"$program.txt")" "" "warnings"
  done
  expect_contains "$(cat kestrelctl.txt)" "kestrelctl volumes rm [OPTION...] VOLUME"
  expect_contains "$(cat hostd.txt)" "hostd serve"
}

harness_main "$@"
