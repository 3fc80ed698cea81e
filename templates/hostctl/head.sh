#!/bin/bash
# hostctl: changes one service of this host as a transaction. Part of kube-apiserver-havip.
#
#   hostctl packages SECONDS NAME...  install packages, after cloud-init and other package managers are done
#   hostctl apply SERVICE < BUNDLE    stage, validate, swap, activate, probe; on failure everything is as before
#   hostctl secret < PASSWORD         the VRRP password, into the file that keepalived.conf includes
#   hostctl remove SERVICE            stop it and put back what was there before
#   hostctl release ADDRESS           drop a VIP that a dead keepalived left behind
#   hostctl check SERVICE < BUNDLE    say what differs from the bundle and whether the service runs; changes nothing
#
# A bundle is text. Lines beginning with "==== " are its headers, what follows a file header is the file:
#   ==== owner NAME            the endpoint this belongs to; another one's host is refused
#   ==== take-over yes         configuration that somebody else made is replaced (and put back by remove)
#   ==== interface ADDRESS     @INTERFACE@ in the files becomes the interface that has ADDRESS
#   ==== probe URL             any HTTP answer of it means the service is healthy
#   ==== file PATH MODE        a file, with its octal mode
set -euo pipefail

LIBRARY=/usr/local/lib/kube-apiserver-havip
STATE=/var/lib/kube-apiserver-havip
RUNTIME=/run/kube-apiserver-havip
LOCK=/run/lock/kube-apiserver-havip.lock
SECRET=/etc/keepalived/auth.conf
HEALTHY_WITHIN_S=15

fail() {
    echo "$(hostname): $*" >&2
    exit 1
}
