#!/bin/bash
# keepalived's periodic check: does the HAProxy on this host answer? Written by kube-apiserver-havip.
set -u

# The VRRP process runs this: as long as it does, it is alive. When it falls silent, systemd kills and restarts it.
# (keepalived takes the variable away, the socket is always there.)
sign_of_life() {
    NOTIFY_SOCKET=/run/systemd/notify systemd-notify WATCHDOG=1 WATCHDOG_USEC=4000000 2>/dev/null
}

answers() {
    # Any answer is a sign of life: whether a kube-apiserver is up is not keepalived's business.
    curl --silent --output /dev/null --noproxy '*' --max-time 0.250 \
        http://127.0.0.1:33305/monitor
}

well() {
    seniority=$(cat /run/kube-apiserver-havip/seniority 2>/dev/null)
    [ "${seniority:-0}" = 0 ] || setsid --fork flock --nonblock /run/kube-apiserver-havip/seniority.lock /usr/local/lib/kube-apiserver-havip/haproxy-events settle </dev/null >/dev/null 2>&1
    exit 0
}

give_up=$(($(date +%s%3N) + 750))
for ((try = 1; try <= 2; try++)); do
    sign_of_life
    answers && well
    sleep 0.050
done

# Perhaps it only is busy: somebody with more patience finds out, and starts a hung one anew.
setsid --fork flock --nonblock /run/kube-apiserver-havip/revival.lock /usr/local/lib/kube-apiserver-havip/haproxy-events revive </dev/null >/dev/null 2>&1

# Let go of the VIP only if a peer's HAProxy answers. Asked until the next check is due, for one that just comes back.
until /usr/local/lib/kube-apiserver-havip/haproxy-events peer-answers; do
    [ "$(date +%s%3N)" -lt "$give_up" ] || exit 0
    sign_of_life
    sleep 0.1
    answers && exit 0
done
exit 1
