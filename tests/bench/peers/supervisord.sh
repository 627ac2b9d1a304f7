# supervisord as PID 1, with Debian's Python and all modules compiled, as they are where it has been installed.
supervisord_packages=(supervisor python3-pkg-resources python3.11-minimal libpython3.11-minimal libpython3.11-stdlib libexpat1 zlib1g libc6)

supervisord_lacks() {
    if [[ $measured == shutdown ]]; then
        reason="ends when told to, but does not power off"
        return 1
    fi
    if ((count > 100)); then
        reason="stopped at 100 services, to keep the whole short"
        return 1
    fi
}

supervisord_base() {
    local from=$build/packages/supervisord
    [[ -e $from/compiled ]] || supervisord_compile "$from"
    program "$from" /usr/bin/python3.11
    mkdir -p "$tree/usr/lib/python3"
    cp -a "$from/usr/lib/python3.11" "$tree/usr/lib/"
    cp -a "$from/usr/lib/python3/dist-packages" "$tree/usr/lib/python3/"
    cp "$from/usr/bin/supervisord" "$tree/usr/bin/"
    ln -s python3.11 "$tree/usr/bin/python3"
    cat >"$tree/etc/supervisord.conf" <<'INI'
[supervisord]
nodaemon=true
user=root
logfile=/dev/null
logfile_maxbytes=0
pidfile=/run/supervisord.pid
minfds=2000
INI
    start_with mounted /usr/bin/python3 /usr/bin/supervisord -n -c /etc/supervisord.conf
}

supervisord_service() {
    printf '[program:%s]\ncommand=/w service 0 %s\nautorestart=true\nstartsecs=0\nstartretries=1000000\nstdout_logfile=NONE\nstderr_logfile=NONE\n' \
        "$1" "$1" >>"$tree/etc/supervisord.conf"
}

# Without looking at the sources' dates, which the guest's tree changes.
supervisord_compile() {
    LD_LIBRARY_PATH=$1/usr/lib/x86_64-linux-gnu PYTHONHOME=$1/usr "$1/usr/bin/python3.11" -m compileall -q \
        --invalidation-mode unchecked-hash "$1/usr/lib/python3.11" "$1/usr/lib/python3/dist-packages" >/dev/null 2>&1 || true
    touch "$1/compiled"
}
