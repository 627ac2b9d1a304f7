# s6: s6-svscan as PID 1 with a scan directory as it stands; order is the affair of s6-rc.
s6_packages=(s6 execline libs6-2.11 libexecline2.9 libskarnet2.13 libc6)

s6_base() {
    local name
    program "$build/packages/s6" /usr/bin/{s6-svscan,s6-supervise,s6-svscanctl} /usr/lib/execline/bin/execlineb
    add_busybox # for the last act, power off
    for name in finish crash; do
        script "/etc/service/.s6-svscan/$name" <<<$'#!/bin/busybox sh\nexec /bin/busybox poweroff -f'
    done
    start_with mounted /usr/bin/s6-svscan -c 1100 /etc/service
    power_off_with /usr/bin/s6-svscanctl -t /etc/service
}

# It restarts at once only what has said that it is ready; announcing that costs, so only the restarts are measured with it.
s6_service() {
    local ready_fd=0
    if [[ $scenario == restart ]]; then ready_fd=3; fi
    script "/etc/service/$1/run" <<<$'#!/usr/lib/execline/bin/execlineb -P\n/w service '"$ready_fd $1"
    ((ready_fd == 0)) || echo "$ready_fd" >"$tree/etc/service/$1/notification-fd"
}
