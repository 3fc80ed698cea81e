# --- balancers that leave -----------------------------------------------------------------------------
#
# Pulumi removes a balancer after it has changed the others. Until then it must go on hearing them, or it would take
# the VIP for itself; so they go on telling it, and forget it when its HAProxy is gone. Too early would make two holders,
# too late costs nothing: everyone who leaves is noted unasked, and one whose HAProxy is only being started anew is waited for.
#
# `note_leavers` reads $stage.

leavers() { [ ! -e "$LEAVERS" ] || grep -E '^[0-9]' "$LEAVERS" || true; }

write_leavers() { # write_leavers ADDRESS...
    mkdir -p "$(dirname "$LEAVERS")"
    {
        echo "# Balancers that were removed and still run: they hear adverts until they have stopped."
        [ "$#" -eq 0 ] || printf '%s\n' "$@"
    } >"$LEAVERS.havip-new"
    mv -f "$LEAVERS.havip-new" "$LEAVERS"
}

still_there() { # those of the addresses on stdin whose HAProxy answers
    local address
    while read -r address; do
        if await "$HEALTHY_WITHIN_S" answered_by "$address"; then echo "$address"; fi
    done
}

note_leavers() {
    local gone
    mapfile -t gone < <({ peers_in "$KEEPALIVED_CONF"; leavers; } | sort -u | grep -vxFf <(peers_in "$stage$KEEPALIVED_CONF"))
    write_leavers "${gone[@]}"
    # The service, too: it may wait for the lock that this run holds, and its name would be taken.
    systemctl stop kube-apiserver-havip-leavers.{timer,service} 2>/dev/null || true
    [ "${#gone[@]}" -gt 0 ] || remember_question
    watch_leavers
}

# Also after a boot, which no timer of systemd-run survives.
watch_leavers() {
    [ -n "$(leavers)" ] && ! systemctl is-active --quiet kube-apiserver-havip-leavers.timer || return 0
    systemd-run --quiet --collect --unit kube-apiserver-havip-leavers --on-active=30s --on-unit-active=30s \
        "$LIBRARY/hostctl" forget-leavers
}

# Whether a HAProxy answers there: on the monitor's port as it is, or as it was when those left who are leaving now.
answered_by() { # answered_by ADDRESS
    local events
    for events in "$LIBRARY/haproxy-events" "$STATE/haproxy-events"; do
        [ -x "$events" ] && "$events" answers "$1" && return
    done
    return 1
}

# HAProxy's files change first: how the balancers of now are asked, for when one of them leaves.
remember_question() { cp -p "$LIBRARY/haproxy-events" "$STATE/haproxy-events" 2>/dev/null || true; }

forget_leavers() {
    local before here
    work_on keepalived
    # A holder whose new files wait for the others is not to read them: the timer asks again.
    parameters_unchanged && [ ! -e "$unfinished" ] || return 0
    mapfile -t before < <(leavers)
    mapfile -t here < <(leavers | still_there)
    if [ "${#here[@]}" -lt "${#before[@]}" ]; then
        write_leavers "${here[@]}"
        systemctl reload keepalived
        dismiss /
    fi
    [ "${#here[@]}" -gt 0 ] || { remember_question && systemctl stop kube-apiserver-havip-leavers.timer; }
}
