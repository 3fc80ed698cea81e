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
    local path before
    service=$1 ours=$STATE/ours/$1
    before=$(cat "$STATE/before-$service" 2>/dev/null || true)
    # What ran before is restarted in the end, in one go: others may watch it.
    [ "$before" = active ] || systemctl disable --now --quiet "$service" 2>/dev/null || true
    while IFS= read -r path; do
        restore "$path"
    done < <(our_files)
    rmdir "/etc/systemd/system/$service.service.d" 2>/dev/null || true
    systemctl daemon-reload
    if [ "$service" = keepalived ]; then
        systemctl stop kube-apiserver-havip-leavers.timer 2>/dev/null || true
        rm -f "$LEAVERS" "$JOINED"
        restore_secret
    fi
    if [ "$before" = active ]; then
        systemctl enable --quiet "$service"
        systemctl restart "$service"
    fi
    dismiss
    rm -rf "$ours" "$STATE/before-$service" "$STATE/unfinished-$service" "$STATE/undo/$service"
    # The last service takes the rest with it.
    rmdir "$STATE/ours" 2>/dev/null && rm -rf "$STATE" "$RUNTIME"
    echo "$service: removed"
}

# Everything of one endpoint, the tool too; another endpoint's, and what was never changed here, stays.
retire() { # retire NAME [FORMER NAME...]
    local present="" service
    [ ! -e "$STATE/owner" ] || present=$(cat "$STATE/owner")
    if [ -n "$present" ] && [[ " $* " != *" $present "* ]]; then
        echo "serves the endpoint '$present': left as it is"
        return
    fi
    for service in keepalived haproxy; do
        [ ! -e "$STATE/before-$service" ] || remove "$service"
    done
    restore_secret
    rm -rf "$STATE" "$RUNTIME" "$LIBRARY"
    echo "nothing of '$1' is left"
}

release() {
    rm -f "$RUNTIME/vrrp-state" "$RUNTIME/vrrp-state.order"
    drop_address "$1"
}

drop_address() {
    local interface
    for interface in $(ip -o -4 address show to "$1" | awk '{ print $2 }'); do
        ip address delete "$1/32" dev "$interface" || true
    done
}
