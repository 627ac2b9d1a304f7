#!/bin/sh
# Fills $ROOTFS with the names by which busybox is called.
mkdir "$ROOTFS/bin"
for applet in sh httpd; do ln -s busybox "$ROOTFS/bin/$applet"; done
