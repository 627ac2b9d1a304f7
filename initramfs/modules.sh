# Kernel modules: which ones an image needs, in what order they load, and their files. Sourced by build-image.
#
# Packages that were only unpacked have no modules.dep (depmod runs at installation), so the order comes from the modules
# themselves: each names what it depends on in its .modinfo section.

declare -A module_file=() module_builtin=() module_done=()
module_order=()

# index_modules DIR: learns the files of a lib/modules/VERSION folder and what its kernel has built in.
index_modules() {
    local path
    while IFS= read -r path; do
        module_file[$(module_name "$path")]=$path
    done < <(find -L "$1" -name '*.ko' -o -name '*.ko.xz' -o -name '*.ko.zst' -o -name '*.ko.gz')
    [[ -r $1/modules.builtin ]] || return 0
    while IFS= read -r path; do
        module_builtin[$(module_name "$path")]=yes
    done <"$1/modules.builtin"
}

# A module's name: that of its file, where - and _ are the same.
module_name() {
    local name=${1##*/}
    name=${name%%.ko*}
    echo "${name//-/_}"
}

# Prints the plain bytes of a module's file.
module_bytes() {
    case $1 in
        *.xz) xz -dc -- "$1" ;;
        *.zst) zstd -dcq -- "$1" ;;
        *.gz) gzip -dc -- "$1" ;;
        *) cat -- "$1" ;;
    esac
}

# add_module NAME: brings NAME, after all that it depends on, into the image and at the end of module_order.
add_module() {
    local name=${1//-/_} path depends needed inside
    [[ -z ${module_done[$name]-} && -z ${module_builtin[$name]-} ]] || return 0
    module_done[$name]=yes
    path=${module_file[$name]-}
    [[ -n $path ]] || die "cannot add the module $name: it is neither in $modules nor built into its kernel"
    module_bytes "$path" >"$work/module.ko" || die "cannot add the module $name: $path is damaged"
    depends=$(objcopy -O binary --only-section=.modinfo "$work/module.ko" /dev/stdout | tr '\0' '\n' | sed -n 's/^depends=//p')
    inside=/lib/modules/$(basename "$modules")/${path#"$modules"/}
    inside=${inside%%.ko*}.ko
    place "$work/module.ko" "$inside" 644
    for needed in ${depends//,/ }; do
        add_module "$needed"
    done
    module_order+=("$inside")
}

# add_modules DIR NEEDS: the modules of the comma-separated sets or names NEEDS, and the list by which the guest loads them.
add_modules() {
    local need set name
    index_modules "$1"
    for need in ${2//,/ }; do
        set=$(awk -v name="$need" '$1 == name { $1 = ""; print }' "$here/module-sets")
        for name in ${set:-$need}; do
            add_module "$name"
        done
    done
    ((${#module_order[@]})) || return 0
    printf '%s\n' "${module_order[@]}" >"$work/order"
    place "$work/order" /lib/modules/kestrel.order 644
}
