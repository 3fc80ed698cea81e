# --- the ports that HAProxy is to listen on -------------------------------------------------------------
#
# Reads: $stage; what `standing` reads.

# Reserve the ports of the staged HAProxy, and wait until nobody is in the way: before anything is changed. An outgoing
# connection has its port for a minute after its end, TIME_WAIT.
await_ports() {
    local cfg=$stage$HAPROXY_CFG address port said
    "$stage$LIBRARY/haproxy-events" reserve-ports "$cfg" ||
        echo "ports that the kernel gives outgoing connections cannot be reserved here: HAProxy may find one taken"
    while read -r address port; do
        said=$(listener "$port" || true)
        # A reload takes over what HAProxy listens on already.
        if [[ $said == *'"haproxy"'* ]] || bindable "$address" "$port"; then continue; fi
        [ -z "$said" ] ||
            fail "HAProxy cannot listen on port $port: $said does; nothing was changed. End it, or choose another" \
                "port"$'\n'"$(standing)"
        await "$PORTS_FREE_WITHIN_S" bindable "$address" "$port" ||
            fail "HAProxy cannot listen on port $port: for $PORTS_FREE_WITHIN_S s a connection has had it as its own;" \
                "nothing was changed. End it, or choose a port outside of" \
                "$(tr '\t' - </proc/sys/net/ipv4/ip_local_port_range):"$'\n'"$(ss -Htanp "sport = :$port")"$'\n'"$(standing)"
    done < <(binds "$cfg")
}

# ADDRESS PORT of every IPv4 bind; nothing for the address is all of them.
binds() { sed -nE 's/^ *bind (\*|[0-9.]*):([0-9]+)( .*)?$/\1 \2/p' "$1" | sed 's/^\*/0.0.0.0/; s/^ /0.0.0.0 /'; }

# Who does, on whatever address of the host.
listener() { ss -Hltnp "sport = :$1" | awk '{ print $NF }' | sort -u | paste -sd " "; }

# Whether HAProxy could listen there. One that nobody listens on is listened on for a moment.
bindable() { # bindable ADDRESS PORT
    local said
    said=$(socat /dev/null "TCP4-LISTEN:$2,bind=$1,reuseaddr,accept-timeout=0.01" 2>&1 || true)
    [[ $said != *"Address already in use"* ]]
}
