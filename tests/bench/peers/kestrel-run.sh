# `kestrel run`, with the file systems mounted beforehand as for all but guest mode.

kestrel_run_base() {
    kestrel_base
    start_with mounted /sbin/kestrel run -c /etc/kestrel/config.yaml
}
kestrel_run_service() { kestrel_service "$@"; }
kestrel_run_job() { kestrel_job "$@"; }
