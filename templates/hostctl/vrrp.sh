# --- VRRP here: its parameters, its state, its peers -------------------------------------------------------
#
# Members whose VRRP differs are deaf to each other, and each would take the VIP. What they must agree on is in $GROUP;
# $JOINED is the record of what this host spoke last.

group() { awk -v key="$1" '$1 == key { print $2; exit }' "${2:-$GROUP}" 2>/dev/null; }

# All that members must say alike: the group, and the password's digest if there is one in it.
vrrp_parameters() { # vrrp_parameters [GROUP-FILE]
    cat "${1:-$GROUP}" 2>/dev/null || true
    ! has_password "${1:-$GROUP}" || sha256sum <"$SECRET"
}

has_password() { [ "$(group password "$@")" = yes ] && [ -s "$SECRET" ]; }

record_parameters() {
    install -d -m 700 "$STATE"
    (umask 077 && vrrp_parameters >"$JOINED.new")
    mv -f "$JOINED.new" "$JOINED"
}

# As it was before a change that is taken back. The password is not taken back: what is there now was never spoken.
restore_record() {
    if [ -e "$undo/joined" ]; then
        put "$undo/joined" "$JOINED"
    elif [ -e "$JOINED" ]; then
        record_parameters
    fi
}

# Whoever starts next listens first, whatever its parameters are.
spoil_record() {
    install -d -m 700 "$STATE"
    (umask 077 && echo "$STANDS_ASIDE" >>"$JOINED")
}

parameters_unchanged() { # parameters_unchanged [GROUP-FILE]
    [ -e "$JOINED" ] && [ "$(vrrp_parameters "$@")" = "$(cat "$JOINED")" ]
}

is_master() { grep -qx MASTER "$RUNTIME/vrrp-state" 2>/dev/null; }

peers_in() { # the peers in a keepalived.conf
    [ ! -e "$1" ] || awk '/unicast_peer/ { on = 1; next } /}/ { on = 0 } on && /^ *[0-9]/ { print $1 }' "$1"
}
