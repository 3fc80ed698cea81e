# --- the password, the end ------------------------------------------------------------------------------

secret() {
    local password
    IFS= read -r password || [ -n "$password" ]
    mkdir -p "$(dirname "$SECRET")"
    (umask 077 && printf 'auth_pass %s\n' "$password" >"$SECRET.havip-new")
    mv -f "$SECRET.havip-new" "$SECRET"
    # On the first run keepalived.conf comes after this, and starts keepalived itself.
    if [ "$(systemctl is-active keepalived || true)" = active ]; then
        systemctl reload keepalived
    fi
    echo "password: stored"
}

remove() {
    local path before
    service=$1 ours=$STATE/ours/$1
    before=$(cat "$STATE/before-$service" 2>/dev/null || true)
    systemctl disable --now --quiet "$service" 2>/dev/null || true
    while IFS= read -r path; do
        restore "$path"
    done < <(our_files)
    rmdir "/etc/systemd/system/$service.service.d" 2>/dev/null || true
    systemctl daemon-reload
    [ "$before" != active ] || systemctl enable --now --quiet "$service"
    rm -rf "$ours" "$STATE/before-$service" "$STATE/unfinished-$service" "$STATE/undo/$service"
    [ "$service" != keepalived ] || rm -f "$SECRET"
    # The last service takes the rest with it.
    rmdir "$STATE/ours" 2>/dev/null && rm -rf "$STATE" "$RUNTIME"
    echo "$service: removed"
}

release() {
    local interface
    rm -f "$RUNTIME/vrrp-state"
    for interface in $(ip -o -4 address show to "$1" | awk '{ print $2 }'); do
        ip address delete "$1/32" dev "$interface" || true
    done
}
