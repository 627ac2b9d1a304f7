# busybox init: `wait` entries run one after the other, a list and not a graph.
busybox_packages=(busybox-static)

busybox_base() {
    cp "$build/packages/busybox/bin/busybox" "$tree/bin/busybox"
    ln -s ../bin/busybox "$tree/sbin/init"
    ln -s busybox "$tree/bin/sh"
    ln -s busybox "$tree/bin/poweroff"
    start_with mounted /sbin/init
    power_off_with /bin/poweroff
}
# It takes lines with the same command for one.
busybox_service() { echo "::respawn:/w service 0 $1" >>"$tree/etc/inittab"; }
busybox_job() { echo "::wait:/w job $1" >>"$tree/etc/inittab"; }
