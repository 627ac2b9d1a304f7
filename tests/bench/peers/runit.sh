# runit, its three stages and run scripts in the shell of busybox.
runit_packages=(runit libc6)

runit_base() {
    program "$build/packages/runit" /sbin/runit /usr/bin/{runsvdir,runsv,sv}
    add_busybox sh
    # Stage 3 begins on SIGCONT where `stopit` is executable, and `reboot` that is not means power off. Debian has both in
    # /run, so stage 1 makes them.
    script /etc/runit/1 <<'SH'
#!/bin/sh
: >/run/runit.stopit
: >/run/runit.reboot
/bin/busybox chmod 100 /run/runit.stopit
/bin/busybox chmod 0 /run/runit.reboot
SH
    script /etc/runit/2 <<<$'#!/bin/sh\nPATH=/usr/bin exec runsvdir -P /etc/service'
    script /etc/runit/3 <<<$'#!/bin/sh\nPATH=/usr/bin\nsv -w 196 force-stop /etc/service/*\nsv exit /etc/service/*'
    start_with mounted /sbin/runit
    power_off_with /w signal 18
}

runit_service() { script "/etc/service/$1/run" <<<$'#!/bin/sh\nexec /w service 0 '"$1"; }
