# --- balancers that leave -----------------------------------------------------------------------------
#
# Pulumi removes a balancer after it has changed the others. Until then it must go on hearing them, or it would take
# the VIP for itself; so they go on telling it, and forget it when its HAProxy is gone. Too early would make two holders,
# too late costs nothing: everyone who leaves is noted unasked, and one whose HAProxy is only being started anew is waited for.
#
# Reads: $stage, $undo; `refuse_beside_leavers` what `standing` reads, in a change of files.

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

# Who is a peer or told already, and is none of those that stay.
leaving() { # leaving KEEPALIVED-CONF STAYING
    { peers_in "$1"; leavers; } | sort -u | grep -vxFf <(echo "$2")
}

# One that leaves is changed no more. If those that stay change their VRRP before it is gone, it is deaf to them: it takes
# the VIP as well or, if it has it, is waited for without end. Neither is a success, after which alone it would be removed.
refuse_beside_leavers() { # refuse_beside_leavers CHANGE STAYING
    local there ways="take the balancer out with VRRP as it was, or give it back to the endpoint and change VRRP first"
    mapfile -t there < <(leaving "$KEEPALIVED_CONF" "$2" | still_there)
    # The cloud has a HaVip for the new one already.
    [[ $1 != *"vip "* ]] || ways="give the balancer back to the endpoint and change the VIP first"
    [ "${#there[@]}" -eq 0 ] ||
        fail "VRRP would change ($1) while a balancer leaves that still runs (${there[*]}), which would be deaf to the others" \
            "and a second holder of the VIP; keepalived was not changed. Make them two updates: $ways. (If it was taken out already" \
            "and serves something else by now, delete its line from $LEAVERS on every balancer.)${ahead+$'\n'$(standing)}"
}

note_leavers() {
    local gone
    mapfile -t gone < <(leaving "$KEEPALIVED_CONF" "$(peers_in "$stage$KEEPALIVED_CONF")")
    write_leavers "${gone[@]}"
    # The service, too: it may wait for the lock that this run holds, and its name would be taken.
    systemctl stop kube-apiserver-havip-leavers.{timer,service} 2>/dev/null || true
    [ "${#gone[@]}" -gt 0 ] || remember_question
    watch_leavers
}

# A change of files is taken back: who was to leave is a peer again, who was to come back is told on. Once nobody is, no
# timer may run: it would remember how HAProxy is asked from now on, and its files are changed already.
note_leavers_as_before() {
    local gone
    mapfile -t gone < <({ cat "$undo/leavers" 2>/dev/null || true; leavers; } | sort -u | grep -vxFf <(peers_in "$KEEPALIVED_CONF"))
    write_leavers "${gone[@]}"
    systemctl stop kube-apiserver-havip-leavers.{timer,service} 2>/dev/null || true
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
