# --- VRRP's password -----------------------------------------------------------------------------------
#
# A step of its own, before keepalived's files: no bundle holds it.

# As with files: the holder stays master (the planned one changes now, another one when it joins), the others stop before
# the password changes, and listen.
secret() { # secret [lead]
    local password
    IFS= read -r password || [ -n "$password" ]
    mkdir -p "$(dirname "$SECRET")"
    if [ "$(cat "$SECRET" 2>/dev/null)" = "auth_pass $password" ]; then
        echo "password: unchanged"
        return
    fi
    judge_password "$password"
    remember_running
    if [ "$(group password)" != yes ]; then
        # The keepalived.conf that reads it comes after this.
        write_secret "$password"
    elif [ "$(systemctl is-active keepalived || true)" != active ] || [ ! -e "$JOINED" ]; then
        write_secret "$password"
        # One that listens already, listens for the new one.
        [ ! -e "$JOINED" ] || stop_and_listen
    elif is_master; then
        write_secret "$password"
        [ "${1:-}" != lead ] || { record_parameters && systemctl reload keepalived; }
    else
        systemctl stop keepalived
        write_secret "$password"
        stop_and_listen
    fi
    echo "password: stored"
}

# As `judge_parameters`, which would come too late: a backup stops for a new password. Who stays, HAProxy's files know, which
# change first.
judge_password() { # judge_password PASSWORD
    [ "$(group password)" = yes ] && [ "$(group password "$JOINED")" = yes ] || return 0
    ! printf 'auth_pass %s\n' "$1" | sha256sum | grep -qxFf - "$JOINED" || return 0
    refuse_beside_leavers "another password" "$(sed -nE 's/^PEERS=\((.*)\)$/\1/p' "$LIBRARY/haproxy-events" | tr ' ' '\n')"
}

write_secret() { # write_secret PASSWORD
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
