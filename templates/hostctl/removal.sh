# --- the password, the end ------------------------------------------------------------------------------

# As with files: the holder stays in office (the planned one changes now, another one when it joins), the others stand
# aside before the password changes, and listen.
secret() { # secret [lead]
    local password service=keepalived stage=""
    IFS= read -r password || [ -n "$password" ]
    mkdir -p "$(dirname "$SECRET")"
    if [ "$(cat "$SECRET" 2>/dev/null)" = "auth_pass $password" ]; then
        echo "password: unchanged"
        return
    fi
    remember_running
    if [ "$(group password)" != yes ]; then
        # The keepalived.conf that reads it comes after this.
        write_secret "$password"
    elif [ "$(systemctl is-active keepalived || true)" != active ] || [ ! -e "$JOINED" ]; then
        write_secret "$password"
        # One that listens already, listens for the new one.
        [ ! -e "$JOINED" ] || stand_aside
    elif holds_vip; then
        write_secret "$password"
        [ "${1:-}" != lead ] || { remember_tongue && systemctl reload keepalived; }
    else
        systemctl stop keepalived
        write_secret "$password"
        stand_aside
    fi
    echo "password: stored"
}

write_secret() {
    if [ -e "$SECRET" ] && [ ! -e "$STATE/wrote-secret" ]; then
        install -d -m 700 "$STATE"
        mkdir -p "$STATE/original$(dirname "$SECRET")"
        cp -p "$SECRET" "$STATE/original$SECRET"
    fi
    install -d -m 700 "$STATE" && touch "$STATE/wrote-secret"
    (umask 077 && printf 'auth_pass %s\n' "$1" >"$SECRET.havip-new")
    mv -f "$SECRET.havip-new" "$SECRET"
}

# Once no file reads it any more.
forget_secret() { [ "$(group password)" = yes ] || restore_secret; }

restore_secret() { # what was at its place before ours, or nothing
    [ -e "$STATE/wrote-secret" ] || return 0
    rm -f "$SECRET" "$STATE/wrote-secret"
    [ ! -e "$STATE/original$SECRET" ] || put "$STATE/original$SECRET" "$SECRET"
}

remove() {
    local path before vip=""
    service=$1 ours=$STATE/ours/$1
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
    if [ "$before" = active ]; then
        if [ "$service" = keepalived ] && contends; then
            hold_back
        else
            systemctl enable --quiet "$service"
            systemctl restart "$service"
        fi
    fi
    # As before, a service may run without being started by a boot, and the other way round.
    case "$before $(cat "$STATE/enabled-$service" 2>/dev/null || true)" in
    "active disabled") systemctl disable --quiet "$service" ;;
    active*) ;;
    *" enabled")
        if [ -n "$vip" ] && grep -rqwF -- "$vip" /etc/keepalived 2>/dev/null; then
            echo "keepalived: has its own files again, and is started by no boot: they have $vip"
        else
            systemctl enable --quiet "$service"
        fi
        ;;
    esac
    dismiss
    rm -rf "$ours" "$STATE/before-$service" "$STATE/enabled-$service" "$STATE/unfinished-$service" "$STATE/undo/$service"
    [ "$service" != keepalived ] || rm -f "$STATE/vip"
    # The last service takes the rest with it.
    rmdir "$STATE/ours" 2>/dev/null && rm -rf "$STATE" "$RUNTIME"
    echo "$service: removed"
}

# Before the files go that say so; they and the tool are gone when `hand-back` is run.
remember_vip() {
    local silence
    [ -e "$GROUP" ] && [ ! -e "$HELD" ] || return 0
    silence=$(silence_s lead)
    install -d -m 700 "$HELD.new"
    cp "$LIBRARY/hostctl" "$HELD.new/hostctl"
    echo "$(group vip) $((${silence%.*} + 1))" >"$HELD.new/vip"
    mv "$HELD.new" "$HELD"
}

# Whether keepalived, with its own files again, would take the endpoint's VIP.
contends() {
    [ -e "$HELD" ] || return 1
    grep -rqwF -- "$(cut -d ' ' -f 1 "$HELD/vip")" /etc/keepalived && return
    rm -rf "$HELD"
    return 1
}

# Balancers that stay speak another VRRP, or have forgotten this host: it would be a second holder. When everything goes,
# `hand-back` starts it, after the last one has stopped.
hold_back() {
    local vip
    vip=$(cut -d ' ' -f 1 "$HELD/vip")
    systemctl disable --quiet keepalived
    echo "keepalived: has its own files again, and is left stopped: they have $vip, which another balancer may have." \
        "Once none has it any more: systemctl enable --now keepalived"
}

# Whether anybody speaks for the VIP, in whatever VRRP.
heard() {
    local vip silence deadline left advert pattern
    read -r vip silence <"$HELD/vip"
    # shellcheck disable=SC2046 # the four numbers of the address
    pattern="^[23]1.{14}$(printf '%02x' $(echo "$vip" | tr . ' '))"
    deadline=$(($(uptime_s) + silence))
    while left=$((deadline - $(uptime_s))) && [ "$left" -gt 0 ]; do
        advert=$(next_advert "$left")
        # Priority 0 takes its leave.
        if [[ ! $advert =~ ^....00 && $advert =~ $pattern ]]; then
            echo "VRRP is heard for $vip"
            return
        fi
    done
}

hand_back() {
    systemctl enable --quiet keepalived
    systemctl restart keepalived
    rm -rf "$HELD"
    echo "keepalived: runs again with its own files"
}

# Everything of one endpoint, the tool too; another endpoint's, and what was never changed here, stays. So does what the
# host serves with under another balancer's name: it was renamed, or another host has its address now.
retire() { # retire NAME [FORMER NAME...] [-- BALANCER]
    local service
    ! serves_another_endpoint "$@" || return 0
    [ "$(balancer_of "$@")" = "" ] || rm -f "$STATE/balancers/$(balancer_of "$@")"
    rmdir "$STATE/balancers" 2>/dev/null || true
    ! serves_another_balancer "$@" || return 0
    for service in keepalived haproxy; do
        [ ! -e "$STATE/before-$service" ] || remove "$service"
    done
    restore_secret
    rm -rf "$STATE" "$RUNTIME" "$LIBRARY"
    echo "nothing of '$1' is left"
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

serves_another_endpoint() { # serves_another_endpoint NAME [FORMER NAME...] [-- BALANCER]
    local all="$*" present=""
    [ ! -e "$STATE/owner" ] || present=$(cat "$STATE/owner")
    [ -n "$present" ] && [[ " ${all%% -- *} " != *" $present "* ]] || return 1
    echo "serves the endpoint '$present': left as it is"
}

serves_another_balancer() { # serves_another_balancer NAME [FORMER NAME...] [-- BALANCER]
    local others
    [ -n "$(balancer_of "$@")" ] || return 1
    others=$(find "$STATE/balancers" -type f ! -name "$(balancer_of "$@")" -printf '%f ' 2>/dev/null || true)
    [ -n "$others" ] || return 1
    echo "serves as the balancer ${others% }: left as it is. If it is none any more, run here: $LIBRARY/hostctl retire $1"
}

balancer_of() { # balancer_of NAME [FORMER NAME...] [-- BALANCER]
    local all="$*"
    [[ $all != *" -- "* ]] || echo "${all##* -- }"
}

release() {
    local left
    rm -f "$RUNTIME/vrrp-state" "$RUNTIME/vrrp-state.order"
    left=$(ip -o -4 address show to "$1")
    drop_address "$1"
    # What is still there is lent to `lo` (`keep_vip`): it begins anew in office.
    if [ -n "$left" ] && died && [ -z "$(ip -o -4 address show to "$1")" ]; then take_leave; fi
    renew_metric
}

# Whether keepalived died just now, as systemd tells an ExecStopPost. One that hung (`watchdog`, `timeout`) is not missed
# any more: peers have long agreed on a successor.
died() { [[ " signal core-dump exit-code oom-kill " == *" ${SERVICE_RESULT:-} "* ]]; }

# Not what `keep_vip` lends: that ends by itself.
drop_address() {
    local interface prefix
    # With the prefix it has: somebody else's keepalived, taken over, may give it that of the network.
    while read -r interface prefix; do
        ip address delete "$prefix" dev "$interface" || true
    done < <(ip -o -4 address show to "$1" | awk '$2 != "lo" { print $2, $4 }')
    hang_up "$1"
}

# End the connections of this host's own clients, kubelet first of all, through a VIP that has left. They would not notice
# for a minute: without the address none of their packets gets out, not even one that ends a connection.
hang_up() { # hang_up ADDRESS
    [ -n "$(ip -o -4 address show to "$1")" ] || ss --kill --tcp src "$1" >/dev/null 2>&1 || true
}
