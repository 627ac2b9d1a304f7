# finit: `run` stanzas are a sequence and not a graph. It mounts what it misses itself, and finds all there.
finit_packages=(finit libite5 libuev3 libc6)

finit_base() {
    program "$build/packages/finit" /sbin/finit /lib/finit/{initctl,logit}
    ln -s ../lib/finit/initctl "$tree/sbin/initctl"
    add_busybox sh mount umount swapon swapoff rm mkdir touch cat true
    : >"$tree/etc/fstab"
    echo guest >"$tree/etc/hostname"
    echo "runlevel 2" >"$tree/etc/finit.conf"
    mkdir -p "$tree/etc/finit.d" "$tree/var/lock" "$tree/var/log"
    ln -s ../run "$tree/var/run"
    # Its display of progress would ask the terminal for its size and wait for an answer.
    start_with mounted /sbin/finit finit.show_status=off
    power_off_with /sbin/initctl poweroff
}

# <!>: it need not announce that it is ready.
finit_service() { echo "service [2] name:$1 :$1 <!> restart:-1 restart_sec:0 /w service 0 $1 -- $1" >>"$tree/etc/finit.conf"; }
finit_job() { echo "run [2] name:$1 :$1 /w job $1 -- $1" >>"$tree/etc/finit.conf"; }
