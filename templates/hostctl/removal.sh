# --- this host leaves -----------------------------------------------------------------------------------

# Everything of one endpoint, the tool too; another endpoint's, and what was never changed here, stays. So does what the
# host serves with under another balancer's name: it was renamed, or another host has its address now.
retire() { # retire NAME [FORMER NAME...] [-- BALANCER]
    local each
    ! serves_another_endpoint "$@" || return 0
    [ "$(balancer_of "$@")" = "" ] || rm -f "$STATE/balancers/$(balancer_of "$@")"
    rmdir "$STATE/balancers" 2>/dev/null || true
    ! serves_another_balancer "$@" || return 0
    for each in keepalived haproxy; do
        [ ! -e "$STATE/before-$each" ] || remove "$each"
    done
    restore_secret
    rm -rf "$STATE" "$RUNTIME" "$LIBRARY"
    echo "nothing of '$1' is left"
}

remove() { # remove SERVICE
    local path before vip=""
    work_on "$1"
    # Before the file goes that says it; a removal that was interrupted goes on without it.
    if [ "$service" = keepalived ]; then
        vip=$(group vip || true)
        [ -z "$vip" ] || { install -d -m 700 "$STATE" && echo "$vip" >"$STATE/vip"; }
        vip=$(cat "$STATE/vip" 2>/dev/null || true)
    fi
    before=$(cat "$STATE/before-$service" 2>/dev/null || true)
    if [ "$before" != active ]; then
        systemctl disable --now --quiet "$service" 2>/dev/null || true
    elif [ "$service" = keepalived ]; then
        remember_vip
        # Before its check goes with the other files. (haproxy is restarted in the end, in one go: others may watch it.)
        systemctl stop keepalived
    fi
    while IFS= read -r path; do
        restore "$path"
    done < <(our_files)
    rmdir "/etc/systemd/system/$service.service.d" 2>/dev/null || true
    systemctl daemon-reload
    if [ "$service" = keepalived ]; then
        systemctl stop kube-apiserver-havip-{leavers,comeback}.timer 2>/dev/null || true
        rm -f "$LEAVERS" "$JOINED"
        restore_secret
    fi
    run_as_before "$before" "$vip"
    dismiss
    rm -rf "$ours" "$STATE/before-$service" "$STATE/enabled-$service" "$unfinished" "$undo"
    [ "$service" != keepalived ] || rm -f "$STATE/vip"
    # The last service takes the rest with it.
    rmdir "$STATE/ours" 2>/dev/null && rm -rf "$STATE" "$RUNTIME"
    echo "$service: removed"
}

# The service runs if it did, unless it would be a second holder; and a boot starts it if one did.
run_as_before() { # run_as_before STATE VIP: keepalived's VIP, as this stack had it
    if [ "$1" = active ]; then
        if [ "$service" = keepalived ] && contends; then
            hold_back
        else
            systemctl enable --quiet "$service"
            systemctl restart "$service"
        fi
    fi
    # It may have run without being started by a boot, and the other way round.
    case "$1 $(cat "$STATE/enabled-$service" 2>/dev/null || true)" in
    "active disabled") systemctl disable --quiet "$service" ;;
    active*) ;;
    *" enabled")
        if [ -n "$2" ] && grep -rqwF -- "$2" /etc/keepalived 2>/dev/null; then
            echo "keepalived: has its own files again, and is started by no boot: they have $2"
        else
            systemctl enable --quiet "$service"
        fi
        ;;
    esac
}

# Without the lock: nothing that changes this host may hold it up. Whoever stays after all takes part again by itself.
hand_over() { # hand_over NAME [FORMER NAME...] -- BALANCER
    ! serves_another_endpoint "$@" || return 0
    ! serves_another_balancer "$@" || return 0
    systemctl is-active --quiet keepalived || return 0
    systemctl stop kube-apiserver-havip-comeback.timer 2>/dev/null || true
    systemd-run --quiet --collect --unit kube-apiserver-havip-comeback --on-active=60s \
        --timer-property=AccuracySec=1s systemctl start keepalived
    systemctl stop keepalived
    echo "keepalived: stopped, a peer may have the VIP"
}
