# Programs of the host or of an unpacked package, with the shared libraries they need. Sourced by peers.sh, which defines
# $stage, the tree, and the list $sysroots.
#
# What a program opens only at run time (dlopen: name services, plug-ins) cannot be seen from outside: put it into the
# image's folder.

die() {
    echo "bench: $*" >&2
    exit 1
}

# place SOURCE DEST MODE: copies a file to the path DEST of the image. A folder of the image may be a link (/lib to
# usr/lib); one that leads out of the image would have us write into the host.
place() {
    local folder
    folder=$(folder_in_image "$(dirname "$2")")
    install -m "$3" -- "$1" "$folder/$(basename "$2")" || die "cannot place $1 at $2 in the image"
}

# Prints where the image's folder $1 is in the stage, making it when there is none.
folder_in_image() {
    local folder
    folder=$(realpath -m -- "$stage/$1")
    [[ $folder == "$stage" || $folder == "$stage"/* ]] || die "cannot fill $1: in the folder given it leads out of the image"
    mkdir -p -- "$folder" || die "cannot make the folder $1 in the image"
    echo "$folder"
}

library_folders=(/lib/x86_64-linux-gnu /usr/lib/x86_64-linux-gnu /lib64 /usr/lib64 /lib /usr/lib)

# needed_libraries FILE, own_folders FILE: the names and the search path (RUNPATH) in its dynamic section.
needed_libraries() { readelf -Wd "$1" 2>/dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'; }
own_folders() { readelf -Wd "$1" 2>/dev/null | sed -n 's/.*(RU\?N\?R\?PATH).*\[\(.*\)\]/\1/p' | tr ':' '\n'; }
interpreter() { readelf -Wl "$1" 2>/dev/null | sed -n 's/.*program interpreter: \(.*\)\]/\1/p'; }

# in_sysroots PATH: prints the first file of that path in the sysroots, then on the host.
in_sysroots() {
    local root
    for root in "${sysroots[@]}" ''; do
        if [[ -f $root$1 ]]; then
            echo "$root$1"
            return
        fi
    done
    return 1
}

# add_libraries FILE INSIDE: what FILE, known as INSIDE in the image, needs to be loaded, and what that needs in turn.
add_libraries() {
    local library folder folders inside file loader
    loader=$(interpreter "$1")
    if [[ -n $loader && ! -e $stage$loader ]]; then
        file=$(in_sysroots "$loader") || die "cannot add $2: its loader $loader is nowhere"
        place "$(realpath "$file")" "$loader" 755
    fi
    mapfile -t folders < <(own_folders "$1")
    folders=("${folders[@]//\$ORIGIN/$(dirname "$2")}" "${library_folders[@]}")
    for library in $(needed_libraries "$1"); do
        for folder in "${folders[@]}"; do
            [[ ! -e $stage$folder/$library ]] || continue 2
        done
        inside='' file=''
        for folder in "${folders[@]}"; do
            file=$(in_sysroots "$folder/$library") && inside=$folder/$library && break
        done
        [[ -n $inside ]] || die "cannot add $2: the library $library that it needs is nowhere"
        file=$(realpath "$file")
        place "$file" "$inside" 755
        add_libraries "$file" "$inside"
    done
}

# add_program PATH[:DEST]: the program, at DEST or where it is on the host, and its libraries.
add_program() {
    local path=${1%%:*} inside=${1#*:}
    [[ -f $path ]] || die "cannot add the program $path: no such file"
    [[ $inside == /* ]] || die "cannot add the program $path: its place $inside in the image is not an absolute path"
    place "$path" "$inside" 755
    add_libraries "$path" "$inside"
}
