#!/bin/bash
# keepalived's periodic check: does the HAProxy on this host answer? Written by kube-apiserver-havip.
set -u

for ((try = 1; try <= 3; try++)); do
    pgrep -x haproxy >/dev/null && exit 0
    sleep 1.000
done

systemctl stop keepalived
exit 1
