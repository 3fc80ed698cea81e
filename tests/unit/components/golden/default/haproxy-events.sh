#!/bin/bash
# What happens to the HAProxy of "cp", told to keepalived. Called by haproxy.service and by
# keepalived's check. Written by kube-apiserver-havip.
set -u

TRACK_FILE=/run/kube-apiserver-havip/haproxy-down
PEERS=(10.0.0.12)

# Whether any peer's HAProxy answers, whatever it says. All are asked at once, each for at most 100 ms.
peer_answers() {
    local peer jobs=0
    for peer in "${PEERS[@]}"; do
        curl --silent --output /dev/null --noproxy '*' --max-time 0.100 \
            "http://$peer:33305/monitor" &
        jobs=$((jobs + 1))
    done
    while [ "$jobs" -gt 0 ]; do
        wait -n && return 0
        jobs=$((jobs - 1))
    done
    return 1
}

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
save-state)
    echo "show servers state" | socat -t 2 stdio "UNIX-CONNECT:/run/kube-apiserver-havip/haproxy.sock" >"/run/kube-apiserver-havip/server-state.new" &&
        mv -f "/run/kube-apiserver-havip/server-state.new" "/run/kube-apiserver-havip/server-state"
    ;;
*)
    echo "usage: $0 started | stopped | peer-answers | save-state" >&2
    exit 2
    ;;
esac
