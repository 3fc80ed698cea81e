# --- the host's own firewall ---------------------------------------------------------------------------
#
# Where firewalld runs, it lets in what the service needs, now and after a boot. Only what was not open before is noted,
# as "WHERE ZONE NEED" lines in $STATE/firewall-SERVICE, and closed again when it is needed no more. Reads: $service.

# What has to come in, as firewalld's options name it: HAProxy's ports, and VRRP from each peer. (Of IPv6 as well, which
# `binds` passes over.)
needs() {
    case $service in
    haproxy) sed -nE 's|^ *bind [^ ]*:([0-9]+).*|port=\1/tcp|p' "$1$HAPROXY_CFG" | sort -u ;;
    keepalived)
        # Of one that leaves, too: it may be the holder, until it is removed.
        { peers_in "$1$KEEPALIVED_CONF"; leavers; } | sort -u |
            sed -E 's|(.*)|rich-rule=rule family=ipv4 source address=\1 protocol value=vrrp accept|'
        ;;
    esac
}

firewalld_runs() { [ "$(firewall-cmd --state 2>/dev/null)" = running ]; }

zone() {
    local interface
    interface=$(ip -o -4 route show default | sed -nE 's/.* dev ([^ ]+).*/\1/p' | head -n 1)
    firewall-cmd --get-zone-of-interface="$interface" 2>/dev/null || firewall-cmd --get-default-zone
}

admit() { # admit DIRECTORY: what the configuration below it needs
    local where zone need said
    permit_selinux || return 1
    firewalld_runs || return 0
    zone=$(zone)
    while IFS= read -r need; do
        for where in --runtime --permanent; do
            firewalld "$where" "$zone" query "$need" >/dev/null 2>&1 && continue
            echo "$where $zone $need" >>"$STATE/firewall-$service"
            said=$(firewalld "$where" "$zone" add "$need" 2>&1) || { echo "firewalld does not open $need: $said" >&2 && return 1; }
        done
    done < <(needs "$1")
}

dismiss() { # dismiss [DIRECTORY]: what was opened and is not needed by the configuration below it, or all
    local where zone need kept="" noted=$STATE/firewall-$service
    [ -e "$noted" ] || return 0
    while read -r where zone need; do
        if [ -n "${1:-}" ] && needs "$1" | grep -qxF "$need"; then
            kept+="$where $zone $need"$'\n'
        elif firewalld_runs; then
            firewalld "$where" "$zone" remove "$need" >/dev/null 2>&1 || true
        fi
    done <"$noted"
    printf %s "$kept" >"$noted"
    [ -n "$kept" ] || rm -f "$noted"
}

firewalld() { # firewalld WHERE ZONE VERB NEED
    local options=(--zone="$2" --"$3-$4")
    [ "$1" != --permanent ] || options+=(--permanent)
    firewall-cmd "${options[@]}" </dev/null
}
