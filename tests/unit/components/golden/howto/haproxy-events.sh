#!/bin/bash
# What happens to the HAProxy of "cp", told to keepalived. Called by haproxy.service and by
# keepalived's check. Written by kube-apiserver-havip.
set -uo pipefail

TRACK_FILE=/run/kube-apiserver-havip/haproxy-down
PEERS=(10.0.0.12)

# Whether the HAProxy at an address answers within so many seconds, whatever it says.
answers() { # answers ADDRESS SECONDS
    curl --silent --output /dev/null --noproxy '*' --max-time "$2" "http://$1:33305/monitor"
}

# Whether any peer's HAProxy answers. All are asked at once, each for at most 100 ms.
peer_answers() {
    local peer jobs=0
    for peer in "${PEERS[@]}"; do
        answers "$peer" 0.100 &
        jobs=$((jobs + 1))
    done
    while [ "$jobs" -gt 0 ]; do
        wait -n && return 0
        jobs=$((jobs - 1))
    done
    return 1
}

workers() { pgrep -P "$MAINPID" | sort; }

case "${1:-}" in
started)
    echo 0 >"$TRACK_FILE"
    ;;
stopped)
    # Let go of the VIP only if someone else can serve it: a VIP without HAProxy here is no worse than none at all.
    if peer_answers; then
        echo 1 >"$TRACK_FILE"
    fi
    ;;
peer-answers)
    peer_answers
    ;;
monitor-port)
    echo 33305
    ;;
answers)
    answers "${2:?address}" 2
    ;;
reserve-ports)
    reserved=/proc/sys/net/ipv4/ip_local_reserved_ports
    ports=$(sed -nE 's/^ *bind [^ ]*:([0-9]+)( .*)?$/\1/p' "${2:?haproxy.cfg}" | sort -un | paste -sd ,)
    before=$(cat "$reserved")
    echo "${before:+$before,}$ports" 2>/dev/null >"$reserved"
    ;;
save-state)
    # If it cannot be asked, nothing is known. Of a server that is at another place by now neither: HAProxy would take the
    # old port from it, and the old health.
    echo 1 >"/run/kube-apiserver-havip/server-state"
    echo "show servers state" | socat -t 2 stdio "UNIX-CONNECT:/run/kube-apiserver-havip/haproxy.sock" |
        awk 'NR == FNR { if ($1 == "server") place[$2] = $3; next } FNR <= 2 || place[$4] == $5 ":" $19' \
            /etc/haproxy/haproxy.cfg - >"/run/kube-apiserver-havip/server-state.new" &&
        mv -f "/run/kube-apiserver-havip/server-state.new" "/run/kube-apiserver-havip/server-state"
    ;;
reload)
    # The master says nothing when it hangs or keeps its old configuration: only a new worker is a reload.
    before=$(workers)
    kill -USR2 "$MAINPID"
    for ((try = 1; try <= 50; try++)); do
        [ -z "$(comm -13 <(echo "$before") <(workers))" ] || exit 0
        sleep 0.1
    done
    echo "no new worker within 5 s: HAProxy's master process (pid $MAINPID) did not reload" >&2
    exit 1
    ;;
*)
    echo "usage: $0 started | stopped | peer-answers | monitor-port | answers ADDRESS | settle | revive | reserve-ports CFG | save-state | reload" >&2
    exit 2
    ;;
esac
