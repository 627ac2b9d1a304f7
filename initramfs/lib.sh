# What the parts of build-image share. Sourced; the caller has set -euo pipefail and defines $stage, the image's tree.

die() {
    echo "build-image: $*" >&2
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
