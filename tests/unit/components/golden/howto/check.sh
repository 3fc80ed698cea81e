#!/bin/bash
# keepalived's periodic check: does the HAProxy on this host answer? Written by kube-apiserver-havip.
set -u

# The VRRP process runs this: as long as it does, it is alive. When it falls silent, systemd kills and restarts it.
# (keepalived takes the variable away, the socket is always there.) Nobody waits for it: systemd reads nothing while it
# reloads. It is the subshell's, which lives until it has been read.
sign_of_life() {
    {
        NOTIFY_SOCKET=/run/systemd/notify systemd-notify WATCHDOG=1 WATCHDOG_USEC=7000000
        sleep 0.2
    } </dev/null >/dev/null 2>&1 &
}

answers() { # answers SECONDS
    pgrep -x haproxy >/dev/null
}

well() {
    exit 0
}

for ((try = 1; try <= 3; try++)); do
    sign_of_life
    answers 0.250 && well
    sleep 1.000
done

systemctl stop keepalived
exit 1
