#!/bin/bash
# keepalived's periodic check: does the HAProxy on this host answer? Written by kube-apiserver-havip.
set -u

# The VRRP process runs this: as long as it does, it is alive. When it falls silent, systemd kills and restarts it.
# (keepalived takes the variable away, the socket is always there.) Nobody waits for it: systemd reads nothing while it
# reloads. It is the subshell's, which lives until it has been read.
sign_of_life() {
    {
        NOTIFY_SOCKET=/run/systemd/notify systemd-notify WATCHDOG=1 WATCHDOG_USEC=4000000
        sleep 0.2
    } </dev/null >/dev/null 2>&1 &
}

# Any answer is a sign of life: whether a kube-apiserver is up is not keepalived's business.
answers_on() { # answers_on PORT SECONDS
    curl --silent --output /dev/null --noproxy '*' --max-time "$2" "http://127.0.0.1:$1/monitor"
}

answers() { # answers SECONDS
    local port
    ! answers_on 33305 "$1" || return 0
    # While the monitor gets another port: HAProxy's files change before keepalived's.
    port=$(/usr/local/lib/kube-apiserver-havip/haproxy-events monitor-port)
    [ "${port:-33305}" != 33305 ] && answers_on "$port" "$1"
}

well() {
    forget
    seniority=$(cat /run/kube-apiserver-havip/seniority 2>/dev/null)
    [ "${seniority:-0}" = 0 ] || setsid --fork flock --nonblock /run/kube-apiserver-havip/seniority.lock /usr/local/lib/kube-apiserver-havip/haproxy-events settle </dev/null >/dev/null 2>&1
    exit 0
}

now_ms() { date +%s%3N; }
forget() { [ ! -e /run/kube-apiserver-havip/alone ] || rm -f /run/kube-apiserver-havip/alone; }

tries=2
# Last time nobody answered, here or elsewhere: who answers first is what matters now.
[ ! -e /run/kube-apiserver-havip/alone ] || tries=0
due=$(($(now_ms) + 1000))
for ((try = 1; try <= tries; try++)); do
    sign_of_life
    answers 0.250 && well
    sleep 0.050
done

# Perhaps it only is busy: somebody with more patience finds out, and starts a hung one anew.
setsid --fork flock --nonblock /run/kube-apiserver-havip/revival.lock /usr/local/lib/kube-apiserver-havip/haproxy-events revive </dev/null >/dev/null 2>&1

# Let go of the VIP only if a peer's HAProxy answers, and this one still does not: two that come back in the same
# moment would both let go. Asked until the next check is due.
while :; do
    began=$(now_ms)
    sign_of_life
    sleep 0.100 &
    pause=$!
    answers 0.100 &
    own=$!
    peer=0
    /usr/local/lib/kube-apiserver-havip/haproxy-events peer-answers || peer=$?
    wait "$own" && well
    [ "$peer" -ne 0 ] || exit 1
    wait "$pause"
    now=$(now_ms)
    # Not if the check would still run when the next one is due: that one would be left out. (50 ms to begin and end.)
    [ $((now + now - began + 50)) -lt "$due" ] || break
done
touch /run/kube-apiserver-havip/alone
exit 0
