# --- a change: staged, validated, swapped, activated, probed; or rolled back --------------------------------
#
# Sets: $was_active. Reads: what `work_on` and `unpack` set.

apply() { # apply SERVICE
    local how=activate since
    work_on "$1"
    # Where a run was killed between swapping and the probe, $unfinished is there: its files are not active yet, and what
    # it kept for rolling back is still the state to go back to.
    rm -rf "$stage"
    [ -e "$unfinished" ] || rm -rf "$undo"
    install -d -m 700 "$STATE" "$stage" "$undo"
    unpack
    check_owner
    check_foreign
    was_active=$(systemctl is-active "$service" || true)
    if [ ! -e "$unfinished" ] && same && loaded && enabled && healthy; then
        rm -rf "$stage" "$undo"
        echo "$service: unchanged and healthy"
        return
    fi
    validate
    [ "$service" != haproxy ] || await_ports
    echo "$owner" >"$STATE/owner"
    [ -e "$unfinished" ] || begin
    if [ "$service" = keepalived ]; then
        how=$(way_to_change)
        note_leavers
    fi
    since=$(now)
    if ! admit "$stage" || ! swap || ! label_scripts || ! "$how" || ! settled "$how"; then
        give_up "$since"
    fi
    finish "$how"
}

# Note all that a failed change is taken back with.
begin() {
    remember_running
    ! enabled || touch "$undo/enabled"
    keep
    leavers >"$undo/leavers"
    [ ! -e "$JOINED" ] || cp -p "$JOINED" "$undo/joined"
    # Which files were ours before: for taking back what a failed change marks as ours.
    { echo "ours before:" && our_files; } >"$unfinished.new" || true
    mv -f "$unfinished.new" "$unfinished"
}

# Whether the service is healthy, if what was done to it should have made it so.
settled() { # settled HOW
    case $1 in
    wait_to_join | stop_and_listen | defer_to_join) ;;
    *) await "$HEALTHY_WITHIN_S" healthy ;;
    esac
}

finish() { # finish HOW
    # One that goes on as it was still needs its own check, its peers let in, and its files to go back to.
    if [ "$1" != defer_to_join ]; then
        prune
        dismiss "$stage"
    fi
    rm -rf "$stage" "$unfinished"
    if [ "$1" != defer_to_join ]; then
        rm -rf "$undo"
        [ "$service" != keepalived ] || forget_secret
    fi
    case $1 in
    wait_to_join) echo "keepalived: ready to join" ;;
    stop_and_listen) echo "keepalived: stopped and listening; it starts when the VIP's holder has the new VRRP settings" ;;
    defer_to_join) echo "keepalived: holds the VIP; it gets the new VRRP settings once every other balancer has stopped" ;;
    *) echo "$service: applied and healthy" ;;
    esac
}

give_up() { # give_up SINCE
    local said
    said=$(last_words "$1")
    roll_back
    # In this order: a run that ends here leaves either everything that is needed to go on, or too many marks of ours.
    mv -f "$unfinished" "$unfinished.over"
    disown_new "$unfinished.over"
    rm -f "$unfinished.over"
    fail "$service did not take the new configuration; the old files are back. It said:" \
        $'\n'"$said"$'\n'"$(standing)"
}

roll_back() {
    swap_back
    [ "$service" != keepalived ] || { note_leavers_as_before && restore_record; } || true
    systemctl daemon-reload
    if [ "$was_active" = active ]; then
        systemctl reload "$service" || systemctl restart "$service" || true
    else
        systemctl stop "$service" || true
    fi
    [ -e "$undo/enabled" ] || systemctl disable --quiet "$service" 2>/dev/null || true
}

# Where a change that ends here leaves every host: the last words of a failure.
standing() {
    [ -z "$reached" ] || echo "The new configuration is on: $reached."
    echo "This host keeps the one before it${ahead:+, and so do: $ahead}. Mend the cause and run the update again."
}
