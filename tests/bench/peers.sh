# The inits that `make bench` compares. Sourced by run.
#
# Each has a file peers/NAME.sh with small functions (NAME with _ for -) which fill $tree:
#
#   NAME_packages=(...)      Debian packages to unpack into $build/packages/NAME: the init and its libraries; the first
#                            names the version
#   NAME_base                programs and skeleton; calls start_with and power_off_with
#   NAME_service SERVICE     adds a service that is restarted for ever, with the least delay the peer can be told
#   NAME_job JOB [BEFORE]    adds a program that runs once, after the job BEFORE; no function: the peer cannot
#   NAME_lacks               sets $reason and fails where $scenario with $count of them, for what is $measured, cannot be
#                            done (optional)
#
# A peer without a file is named in the report as missing.
#
# They hold to this: the quickest configuration the peer allows, scripts in its customary language, and no work for file
# systems, which are mounted before.

declare -a all_peers=(kestrel kestrel-run floor busybox s6 runit finit supervisord s6-rc dinit)
source "$root/tests/bench/programs.sh"
for peer in "${all_peers[@]}"; do
    [[ ! -e $root/tests/bench/peers/$peer.sh ]] || source "$root/tests/bench/peers/$peer.sh"
done

can() { declare -F "$1" >/dev/null; }

# build_tree PEER SCENARIO COUNT: a guest's tree with COUNT services, or with COUNT jobs each after the one before (scenario
# chain). Fails with $reason.
build_tree() {
    local peer=$1 scenario=$2 count=$3 name=${1//-/_} turn before=
    reason=
    if ! can "${name}_base"; then
        reason="Debian 12 has no package of it"
        return 1
    fi
    packages_of "$peer" || return 1
    if [[ $scenario == chain ]] && ! can "${name}_job"; then
        reason="does not run programs once, in order"
        return 1
    fi
    if can "${name}_lacks"; then "${name}_lacks" || return 1; fi
    new_tree
    "${name}_base"
    for ((turn = 1; turn <= count; turn++)); do
        if [[ $scenario == chain ]]; then
            "${name}_job" "j$turn" "$before"
            before=j$turn
        else
            "${name}_service" "s$turn"
        fi
    done
}

# packages_of PEER: unpacks what is not yet there. Fails with $reason.
packages_of() {
    local -n packages=${1//-/_}_packages
    [[ -n ${packages[*]-} && ! -d $build/packages/$1 ]] || return 0
    local log
    if ! log=$("$root/initramfs/fetch-package" -o "$build/packages/$1" "${packages[@]}" 2>&1); then
        reason="not measured: $(tail -n 1 <<<"$log")"
        return 1
    fi
}

# version_of PEER: Debian's, of what has been unpacked
version_of() {
    local -n packages=${1//-/_}_packages
    local folder=$build/packages/$1/usr/share/doc/${packages[0]-}
    [[ -n ${packages[*]-} && -d $folder ]] || return 0
    zcat "$folder"/changelog.Debian*.gz 2>/dev/null | sed -n '1s/.*(\(.*\)).*/\1/p'
}
