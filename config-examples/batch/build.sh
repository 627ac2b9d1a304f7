#!/bin/sh
# Fills $ROOTFS with the names by which busybox is called.
mkdir "$ROOTFS/bin"
for applet in sh ls wc; do ln -s busybox "$ROOTFS/bin/$applet"; done
