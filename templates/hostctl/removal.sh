# --- the password, the end ------------------------------------------------------------------------------

# The same order as for files: whoever is not last stands aside before the password changes, and listens.
secret() {
    local password service=keepalived reached="" ahead="" stage=""
    IFS= read -r password || [ -n "$password" ]
    mkdir -p "$(dirname "$SECRET")"
    was_active=$(systemctl is-active keepalived || true)
    [ "$was_active" = active ] || was_active=""
    if [ "$(cat "$SECRET" 2>/dev/null)" = "auth_pass $password" ]; then
        echo "password: unchanged"
        return
    fi
    # On the first run keepalived.conf comes after this.
    if [ "${1:-}" != lead ]; then
        check_successor
        if [ -n "$was_active" ]; then
            remember_running
            systemctl stop keepalived
        fi
    fi
    (umask 077 && printf 'auth_pass %s\n' "$password" >"$SECRET.havip-new")
    mv -f "$SECRET.havip-new" "$SECRET"
    if [ -n "$was_active" ] && [ "${1:-}" = lead ]; then
        remember_tongue
        systemctl reload keepalived
    elif [ -e "$JOINED" ]; then
        stand_aside
    fi
    echo "password: stored"
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
        rm -f "$SECRET" "$LEAVERS" "$JOINED"
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
retire() {
    local present="" service
    [ ! -e "$STATE/owner" ] || present=$(cat "$STATE/owner")
    if [ -n "$present" ] && [ "$present" != "$1" ]; then
        echo "serves the endpoint '$present': left as it is"
        return
    fi
    for service in keepalived haproxy; do
        [ ! -e "$STATE/before-$service" ] || remove "$service"
    done
    [ -z "$present" ] || rm -f "$SECRET"
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
