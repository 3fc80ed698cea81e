#!/bin/bash
# hostctl: changes one service of this host as a transaction. Part of kube-apiserver-havip.
#
#   hostctl may YES|NO NAME...        whether the endpoint NAME may have this host; changes nothing
#   hostctl packages SECONDS NAME...  install packages, after cloud-init and other package managers are done
#   hostctl apply SERVICE < BUNDLE    stage, validate, swap, activate, probe; on failure everything is as before
#   hostctl secret [lead] < PASSWORD  the VRRP password, into the file that keepalived.conf includes
#   hostctl join [BALANCER]           start keepalived, once nobody speaks a VRRP it would be deaf to
#   hostctl retire NAME [FORMER...] [-- BALANCER]  remove everything of the endpoint NAME, this tool too; with BALANCER
#                                     not while the host serves under another balancer's name
#   hostctl hand-over NAME [FORMER...] -- BALANCER  stop keepalived, so that a peer takes the VIP, where `retire` would act;
#                                     it comes back after a minute unless the host is gone by then
#   hostctl heard                     say whether anybody speaks for the VIP of a keepalived that was held back
#   hostctl hand-back                 start the keepalived that was held back
#   hostctl check SERVICE < BUNDLE    say what differs from the bundle and whether the service runs; changes nothing
#   hostctl await-turn                (keepalived.service) wait until it is safe to take part in VRRP
#   hostctl release ADDRESS           (keepalived.service) drop a VIP that a dead keepalived left behind, and tell its peers
#   hostctl hang-up ADDRESS           (keepalived's notify script) end connections from a VIP that this host has no more
#   hostctl leavers                   say which removed balancers are still told; changes nothing
#   hostctl forget-leavers            (a timer) tell removed balancers that are gone nothing more
#
# A bundle is text. Lines beginning with "==== " are its headers, what follows a file header is the file:
#   ==== owner NAME            the endpoint this belongs to; another one's host is refused
#   ==== formerly NAME...      names that this endpoint had before
#   ==== take-over yes         configuration that somebody else made is replaced (and put back by retire)
#   ==== lead yes              changed last: it stays master while its VRRP changes, for which the others stop and listen
#   ==== done NAME...          hosts that this change has reached before this one
#   ==== next NAME...          hosts that it reaches after this one
#   ==== package NAME-VERSION  the version of the program that is to run
#   ==== interface ADDRESS [NAME]  @INTERFACE@ in the files becomes the interface that has ADDRESS, which must be NAME
#   ==== descriptors FDS SPARE KEPT  @MAXCONN@ becomes the connections this host permits: two of at most FDS descriptors
#                              each, SPARE aside; @MAXCONN_ENDPOINT@ becomes KEPT less
#   ==== probe URL             any HTTP answer of it means the service is healthy
#   ==== file PATH MODE        a file, with its octal mode
set -euo pipefail

LIBRARY=/usr/local/lib/kube-apiserver-havip
STATE=/var/lib/kube-apiserver-havip
RUNTIME=/run/kube-apiserver-havip
LOCK=/run/kube-apiserver-havip.lock
HAPROXY_CFG=/etc/haproxy/haproxy.cfg
KEEPALIVED_CONF=/etc/keepalived/keepalived.conf
SECRET=/etc/keepalived/auth.conf
LEAVERS=/etc/keepalived/leavers.conf
GROUP=$LIBRARY/vrrp-group
METRIC=$LIBRARY/vrrp-metric
WAITING_FOR_LEAVER=$RUNTIME/outwaits
JOINED=$STATE/joined
STANDS_ASIDE="stands aside"
HELD=/var/lib/kube-apiserver-havip-held
HEALTHY_WITHIN_S=15
PORTS_FREE_WITHIN_S=75
OLDEST_KEEPALIVED=2.1

fail() {
    echo "$(hostname): $*" >&2
    exit 1
}

# What deadlines go by: a new host's clock is set while we are at work.
uptime_s() { cut -d . -f 1 /proc/uptime; }

await() { # await SECONDS COMMAND...
    local deadline=$(($(uptime_s) + $1))
    shift
    until "$@"; do
        [ "$(uptime_s)" -lt "$deadline" ] || return 1
        sleep 0.2
    done
}
