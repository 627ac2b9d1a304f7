#!/bin/bash
# Builds the static program, with the driver of Debian's golang-github-lib-pq-dev.
set -e
mkdir -p "$ROOTFS/bin"
export GO111MODULE=off GOPATH=${GOPATH:-/usr/share/gocode} CGO_ENABLED=0 GOOS=linux GOARCH=amd64
go build -trimpath -tags netgo -ldflags '-s -w -buildid=' -o "$ROOTFS/bin/api" .
