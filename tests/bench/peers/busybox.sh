# busybox init: `wait` entries run one after the other, a sequence and not a graph.

busybox_base() {
    add_busybox sh poweroff
    ln -s ../bin/busybox "$tree/sbin/init"
    start_with mounted /sbin/init
    power_off_with /bin/poweroff
}
# It takes lines with the same command for one.
busybox_service() { echo "::respawn:/w service 0 $1" >>"$tree/etc/inittab"; }
busybox_job() { echo "::wait:/w job $1" >>"$tree/etc/inittab"; }
