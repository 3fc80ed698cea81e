# --- listening, and joining ------------------------------------------------------------------------------
#
# Whoever starts with parameters that it has not spoken yet listens first. It joins once it hears the holder speak as it
# would itself, or nobody at all. `join` sets $was_active.

# The longest pause between two adverts that this host knows of, as it was and as it will be, six times: a holder that
# changes as the master is silent for four. The planned holder goes first where nobody speaks; the others wait twice as long.
silence_s() { # silence_s [lead]
    local ms before
    ms=$(group advert_ms) before=$(group advert_ms "$JOINED")
    [ "${before:-0}" -le "${ms:-0}" ] || ms=$before
    awk -v ms="${ms:-1000}" -v turns="$([ "${1:-}" = lead ] && echo 1 || echo 2)" \
        'BEGIN { s = 6 * ms / 1000; print turns * (s < 3 ? 3 : s) }'
}

# The first bytes of the next advert that reaches this host, as hex; nothing if all are silent.
next_advert() { # next_advert SECONDS [SENDER...]: of anybody if no sender is named
    local limit=$1 sender
    shift
    {
        for sender in "${@:-}"; do
            timeout "$limit" socat -u "IP4-RECVFROM:112${sender:+,range=$sender/32}" STDOUT 2>/dev/null &
        done
        # One that fails says nothing about the others.
        for sender in "${@:-}"; do ! wait -n || break; done
        # shellcheck disable=SC2046 # several
        kill $(jobs -p) 2>/dev/null || true
    } | head -c 20 | as_hex || true
}

# The first thing keepalived.service does.
await_turn() { # await_turn [lead]
    local heard own peers asking
    watch_leavers || true
    ! parameters_unchanged || return 0
    own=^$(advert)
    # Another endpoint may take this host, which has left it, for one of its own still.
    mapfile -t peers < <({ peers_in "$KEEPALIVED_CONF"; leavers; } | sort -u)
    while true; do
        exec {asking}< <(! held_elsewhere || echo yes)
        heard=$(next_advert "$(silence_s "${1:-}")" "${peers[@]}")
        if [ -z "$heard" ]; then
            read -r _ <&"$asking" || break
            touch "$WAITING_FOR_LEAVER"
        fi
        exec {asking}<&-
        ! is_priority_zero "$heard" && [[ $heard =~ $own ]] && break
        sleep 0.1
    done
    rm -f "$WAITING_FOR_LEAVER"
    record_parameters
}

# Whether a balancer has the VIP that this host, which is new, will never hear: one that leaves tells those alone that it
# has known. It hands over to one of them when it is removed, which is after everything else.
held_elsewhere() { [ ! -e "$JOINED" ] && answered_by "$(group vip)"; }

join() { # join [BALANCER]: the name under which this host is one
    local since limit starting
    work_on keepalived
    since=$(now)
    was_active=$(systemctl is-active keepalived || true)
    systemctl enable --quiet keepalived 2>/dev/null
    if [ "$was_active" = active ] && ! parameters_unchanged; then
        apply_as_master || true
    else
        rm -f "$WAITING_FOR_LEAVER"
        limit=$(silence_s | awk '{ print 60 + int($1) }')
        timeout "$limit" systemctl start keepalived &
        starting=$!
        await "$limit" has_begun "$starting" || true
        if [ -e "$WAITING_FOR_LEAVER" ]; then
            kill "$starting" 2>/dev/null || true # systemd goes on
            echo "keepalived: listens. A balancer that leaves has the VIP; when it is removed, it hands over to one that it" \
                "knows, and this one joins"
            return
        fi
    fi
    if ! await "$HEALTHY_WITHIN_S" healthy; then
        if [ "$(systemctl is-active keepalived)" = activating ]; then
            fail "keepalived does not join: a peer still speaks another VRRP (version, router id, adverts, password" \
                "or VIP). It goes on listening, and joins when that has changed"
        fi
        fail "keepalived did not become healthy. It said:"$'\n'"$(last_words "$since")"
    fi
    # A part of it again: what was held back when it left waits for the next time.
    rm -rf "$undo" "$HELD"
    forget_secret
    [ -z "${1:-}" ] || { install -d "$STATE/balancers" && touch "$STATE/balancers/$1"; }
    echo "keepalived: takes part"
}

# Whether the start has ended, or waits for a leaver.
has_begun() { # has_begun PID
    ! kill -0 "$1" 2>/dev/null || [ -e "$WAITING_FOR_LEAVER" ]
}
