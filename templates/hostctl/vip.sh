# --- the VIP on this host -----------------------------------------------------------------------------

# Run what makes the master's keepalived begin anew. Meanwhile the loopback device has the VIP, too: clients notice
# nothing, those on this host included.
holding_vip() { # holding_vip COMMAND...
    local vip keeper="" status=0
    vip=$(group vip)
    if [ -n "$(ip -o -4 address show to "$vip")" ]; then
        hold_on_lo "$vip"
        # Without the lock, and not longer than this run lives: a killed one must not leave a second holder behind.
        keep_on_lo "$vip" 9>&- &
        keeper=$!
    fi
    "$@" || status=$?
    [ -n "$keeper" ] || return "$status"
    await_master
    kill "$keeper"
    wait "$keeper" 2>/dev/null || true
    ip address delete "$vip/32" dev lo 2>/dev/null || true
    is_master || drop_address "$vip"
    return "$status"
}

keep_on_lo() { # keep_on_lo ADDRESS: until it or this run is killed
    while kill -0 $$ 2>/dev/null; do
        hold_on_lo "$1"
        sleep 0.5
    done
}

# The kernel takes it back after 3 s, whatever happens.
hold_on_lo() { ip address replace "$1/32" dev lo valid_lft 3 preferred_lft 3; }

await_master() {
    # keepalived's note that it is master no more comes a moment after it was told to stop: until then the file says MASTER.
    sleep 1
    # No longer than keepalived waits for other masters: the listening ones wait longer before they step in.
    await "$(group advert_ms | awk '{ print int(4.5 * $1 / 1000) + 2 }')" is_master || true
}

release() { # release ADDRESS
    local address left=""
    rm -f "$RUNTIME/vrrp-state" "$RUNTIME/vrrp-state.order"
    for address in $(with_former "$1"); do
        left+=$(ip -o -4 address show to "$address")
        drop_address "$address"
    done
    # An address that is still there is on `lo` (`holding_vip`): this host is about to be master again.
    if [ -n "$left" ] && died && [ -z "$(ip -o -4 address show to "$1")" ]; then send_priority_zero; fi
    renew_metric
}

# Whether keepalived died just now, as systemd tells an ExecStopPost. One that hung (`watchdog`, `timeout`) is not missed
# any more: peers have long agreed on a successor.
died() { [[ " signal core-dump exit-code oom-kill " == *" ${SERVICE_RESULT:-} "* ]]; }

# What a keepalived says that ends in order, in place of one that was killed: peers need not miss its adverts first. One
# of them is told, which takes over and tells the others: told one after the other, each would take it from the one before.
# The first that can serve, since they are named as they rank.
send_priority_zero() {
    local own peer GROUP=$GROUP
    # As it spoke, whatever its files say by now. (Not so a password: peers ignore what has another one.)
    [ ! -e "$JOINED" ] || GROUP=$JOINED
    own=$(awk '$1 == "unicast_src_ip" { print $2; exit }' "$KEEPALIVED_CONF" 2>/dev/null || true)
    [ -n "$own" ] || return 0
    for peer in $(peers_in "$KEEPALIVED_CONF"); do
        answered_by "$peer" || continue
        # Peers discard what may have passed a router: its time to live is below 255 (RFC 5798 5.1.1.3).
        priority_zero "$own" "$peer" | timeout 3 socat -u STDIN "IP4-SENDTO:$peer:112,bind=$own,ttl=255" 2>/dev/null || true
        return
    done
}

# The VIP of the files, and the one that a holder still has whose new files wait for the others (`defer_to_join`).
with_former() { # with_former ADDRESS
    printf '%s\n' "$1" "$(group vip "$JOINED" || true)" | sort -u
}

# Not from `lo`: what `holding_vip` put there ends by itself.
drop_address() {
    local interface prefix
    # With the prefix it has: somebody else's keepalived, taken over, may give it that of the network.
    while read -r interface prefix; do
        ip address delete "$prefix" dev "$interface" || true
    done < <(ip -o -4 address show to "$1" | awk '$2 != "lo" { print $2, $4 }')
    end_connections "$1"
}

# End the connections of this host's own clients, kubelet first of all, through a VIP that has left. They would not notice
# for a minute: without the address none of their packets gets out, not even one that ends a connection.
hang_up() { # hang_up ADDRESS
    local address
    for address in $(with_former "$1"); do end_connections "$address"; done
}

end_connections() { # end_connections ADDRESS
    [ -n "$(ip -o -4 address show to "$1")" ] || ss --kill --tcp src "$1" >/dev/null 2>&1 || true
}
