# --- a change of VRRP takes effect ------------------------------------------------------------------------
#
# Whoever's parameters change stops, and listens before it speaks again (joining.sh). Only the holder goes on as it was,
# and changes as the master when all others are silent. Reads: $service, which is keepalived, $stage, $undo, $lead,
# $was_active.

# Whether the staged parameters may take effect now. Those that this host took part with last always may, whatever it stands
# aside for: that is the way back from a change which is half done.
judge_parameters() {
    local last new key change=""
    last=$(grep -vx "$STANDS_ASIDE" "$JOINED" 2>/dev/null || true) new=$(vrrp_parameters "$stage$GROUP")
    [ -n "$last" ] && [ "$new" != "$last" ] || return 0
    for key in version router_id advert_ms password vip; do
        [ "$(group "$key" "$JOINED")" = "$(group "$key" "$stage$GROUP")" ] ||
            change+="${change:+, }$key $(group "$key" "$JOINED") -> $(group "$key" "$stage$GROUP")"
    done
    refuse_beside_leavers "${change:-another password}" "$(peers_in "$stage$KEEPALIVED_CONF")"
}

# The function by which new files of keepalived take effect here; asked before they are in their places.
way_to_change() {
    if parameters_unchanged "$stage$GROUP"; then
        # Only peers of version 3 can be told to wait.
        if must_restart "$stage" && is_master && [ "$(group version)" = 3 ]; then
            echo restart_as_master
        else
            echo activate
        fi
    elif [ "$was_active" != active ]; then
        # A host that was never part of it joins when all others know it.
        if [ -e "$JOINED" ]; then echo stop_and_listen; else echo wait_to_join; fi
    elif ! holds_vip; then
        echo stop_and_listen
    elif [ "$lead" = yes ]; then
        echo apply_as_master
    else
        echo defer_to_join
    fi
}

# Whether this host is master; without our own notes of it (taken over from somebody), whether it has the new VIP.
holds_vip() {
    if [ -e "$GROUP" ]; then
        is_master
    else
        [ -n "$(ip -o -4 address show to "$(group vip "$stage$GROUP")" 2>/dev/null)" ]
    fi
}

wait_to_join() {
    systemctl daemon-reload
    systemctl disable --now --quiet keepalived 2>/dev/null
}

# The holder goes on as it was, whatever its files say: `join` changes it, when all others have stopped.
defer_to_join() { systemctl daemon-reload; }

# It starts again by `await_turn`: as soon as the holder speaks alike.
stop_and_listen() {
    spoil_record
    systemctl daemon-reload
    systemctl enable --quiet keepalived 2>/dev/null
    systemctl stop keepalived
    systemctl start --no-block keepalived
}

# All others have stopped: nobody contradicts. A changed router id or a restart makes keepalived let go of the VIP and
# wait for other masters.
apply_as_master() {
    record_parameters
    holding_vip activate
}

# Peers wait for three of the intervals that the master announces (RFC 5798 6.4.2): it announces long ones, then is
# killed, so that it sends no priority 0, and is master anew before anyone has missed it.
restart_as_master() {
    local slow since
    # In seconds; 40 is the most that an advert can say.
    slow=$(group advert_ms | awk '{ s = 2 + int(2 * $1 / 1000); print s < 40 ? s : 40 }')
    # By the files that the running program has read; a newer one may have lines which it does not know.
    sed -E "s/^( *advert_int) .*/\1 $slow/" "$undo$KEEPALIVED_CONF" >"$stage$KEEPALIVED_CONF.slow"
    since=$(now)
    put "$stage$KEEPALIVED_CONF.slow" "$KEEPALIVED_CONF" && systemctl reload keepalived || return 1
    # It announces at once what it has read; a busy host needs a while to read.
    await 4 has_said "$since" "Reload complete" || true
    sleep 1
    put "$stage$KEEPALIVED_CONF" "$KEEPALIVED_CONF" || return 1
    systemctl daemon-reload
    systemctl enable --quiet keepalived 2>/dev/null
    holding_vip kill_and_restart
}

has_said() { # has_said SINCE WORDS
    said_since "$1" | grep -qF "$2"
}

kill_and_restart() {
    # The child that speaks VRRP: it would send priority 0 on its parent's death.
    pkill -KILL -P "$(main_pid)" || true
    systemctl restart keepalived
}
