# --- the VRRP group --------------------------------------------------------------------------------------
#
# Members whose VRRP differs are deaf to each other, and each would take the VIP. So whoever's group changes stands
# aside, but the holder, which changes in office when all others are silent; and whoever starts with a group it has not
# spoken yet listens first: it joins once it hears the holder speak as it would itself, or nobody at all.

group() { awk -v key="$1" '$1 == key { print $2; exit }' "${2:-$GROUP}" 2>/dev/null; }

# All that members must say alike: the group, and the password's digest if there is one in it.
tongue() { # tongue [GROUP-FILE]
    cat "${1:-$GROUP}" 2>/dev/null || true
    ! has_password "${1:-$GROUP}" || sha256sum <"$SECRET"
}

has_password() { [ "$(group password "$@")" = yes ] && [ -s "$SECRET" ]; }

remember_tongue() {
    install -d -m 700 "$STATE"
    (umask 077 && tongue >"$JOINED.new")
    mv -f "$JOINED.new" "$JOINED"
}

speaks_as_before() { [ -e "$JOINED" ] && [ "$(tongue "$@")" = "$(cat "$JOINED")" ]; }

# Whether this host is in office; without our own notes of it (taken over from somebody), whether it has the new VIP.
holds_vip() {
    if [ -e "$GROUP" ]; then
        grep -qx MASTER "$RUNTIME/vrrp-state" 2>/dev/null
    else
        [ -n "$(ip -o -4 address show to "$(group vip "$stage$GROUP")" 2>/dev/null)" ]
    fi
}

# How new files of keepalived take effect here.
way_in() {
    if speaks_as_before "$stage$GROUP"; then
        # Only peers of version 3 can be told to wait.
        if must_restart && in_office && [ "$(group version)" = 3 ]; then echo restart_in_office; else echo activate; fi
    elif [ "$was_active" != active ]; then
        # A host that was never part of it joins when all others know it.
        if [ -e "$JOINED" ]; then echo stand_aside; else echo wait_to_join; fi
    elif ! holds_vip; then
        echo stand_aside
    elif [ "$lead" = yes ]; then
        echo activate_in_office
    else
        echo hold_on
    fi
}

wait_to_join() {
    systemctl daemon-reload
    systemctl disable --now --quiet keepalived 2>/dev/null
}

# The holder goes on as it was, whatever its files say: `join` changes it, when all others have stood aside.
hold_on() { systemctl daemon-reload; }

# Stop, and start again by await_turn: as soon as the holder speaks alike.
stand_aside() {
    # Whatever it speaks next, it listens first.
    install -d -m 700 "$STATE"
    (umask 077 && echo "stands aside" >>"$JOINED")
    systemctl daemon-reload
    systemctl enable --quiet keepalived 2>/dev/null
    systemctl stop keepalived
    systemctl start --no-block keepalived
}

# The others have stood aside: nobody contradicts. A changed router id or a restart makes keepalived let go of the VIP
# and wait for other masters.
activate_in_office() {
    local keeper="" done=0
    remember_tongue
    keep_vip
    activate || done=1
    await_office
    return "$done"
}

# Peers wait for three of the intervals that the holder announces (RFC 5798 6.4.2): it announces long ones, then is
# killed, so that it does not take its leave, and is in office anew before anyone has missed it.
restart_in_office() {
    local conf=/etc/keepalived/keepalived.conf slow since keeper="" done=0
    # In seconds; 40 is the most that an advert can say.
    slow=$(group advert_ms | awk '{ s = 2 + int(2 * $1 / 1000); print s < 40 ? s : 40 }')
    # By the files that the running program has read; a newer one may have lines which it does not know.
    sed -E "s/^( *advert_int) .*/\1 $slow/" "$undo$conf" >"$stage$conf.slow"
    since=$(date '+%Y-%m-%d %H:%M:%S')
    put "$stage$conf.slow" "$conf" && systemctl reload keepalived || return 1
    # It announces at once what it has read; a busy host needs a while to read.
    await 4 has_said "$since" "Reload complete" || true
    sleep 1
    put "$stage$conf" "$conf" || return 1
    systemctl daemon-reload
    systemctl enable --quiet keepalived 2>/dev/null
    keep_vip
    # The child that speaks VRRP: it would take its leave on its parent's death.
    pkill -KILL -P "$(main_pid)" || true
    systemctl restart keepalived || done=1
    await_office
    return "$done"
}

has_said() { # has_said SINCE WORDS
    journalctl --unit keepalived --since "$1" --no-pager --output cat 2>/dev/null | grep -qF "$2"
}

# While keepalived leaves office for a moment, the loopback device has its address, too: clients notice nothing, those on
# this host included.
keep_vip() {
    local vip
    vip=$(group vip)
    [ -n "$(ip -o -4 address show to "$vip")" ] || return 0
    lend_address "$vip"
    # Without the lock, and not longer than this run lives: a killed one must not leave a second holder behind.
    keep_address "$vip" 9>&- &
    keeper=$!
}

await_office() {
    [ -n "$keeper" ] || return 0
    # Its note that it has left office comes a moment after it was told to: until then the file says MASTER still.
    sleep 1
    # No longer than keepalived waits for other masters: the listening ones wait longer before they step in.
    await "$(group advert_ms | awk '{ print int(4.5 * $1 / 1000) + 2 }')" in_office || true
    kill "$keeper"
    wait "$keeper" 2>/dev/null || true
    ip address delete "$(group vip)/32" dev lo 2>/dev/null || true
    in_office || drop_address "$(group vip)"
}

in_office() { grep -qx MASTER "$RUNTIME/vrrp-state" 2>/dev/null; }

keep_address() { # keep_address ADDRESS: until it or this run is killed
    while kill -0 $$ 2>/dev/null; do
        lend_address "$1"
        sleep 0.5
    done
}

# The kernel takes it back after 3 s, whatever happens.
lend_address() { ip address replace "$1/32" dev lo valid_lft 3 preferred_lft 3; }

# --- VRRP's state as a metric ---------------------------------------------------------------------------
#
# keepalived calls at a transition only. The file also has to be right when its directory changes, when keepalived dies,
# and when nobody will write it any more. No failure of it counts: it is not what the host is for.

forget_metric() { # forget_metric PATH: what is at PATH is about to be replaced or removed
    [ "$1" != "$METRIC" ] || [ ! -e "$METRIC" ] || bash "$METRIC" forget || true
}

renew_metric() { [ ! -e "$METRIC" ] || bash "$METRIC" || true; }

# --- listening and speaking ----------------------------------------------------------------------------------------

# The longest pause between two adverts that this host knows of, as it was and as it will be, six times: a holder that
# changes in office is silent for four. The planned holder goes first where nobody speaks; the others wait twice as long.
silence_s() { # silence_s [lead]
    local now before
    now=$(group advert_ms) before=$(group advert_ms "$JOINED")
    [ "${before:-0}" -le "${now:-0}" ] || now=$before
    awk -v ms="${now:-1000}" -v turns="$([ "${1:-}" = lead ] && echo 1 || echo 2)" \
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
    } | head -c 20 | od -An -v -tx1 | tr -d ' \n' || true
}

# An advert as this host would send it, as hex: RFC 5798 5.1 (version 3), RFC 3768 5.1 (version 2). Dots stand for anything.
advert() { # advert [PRIORITY] [CHECKSUM]
    local priority=${1:-..} checksum=${2:-....} vip password="" auth=0
    # shellcheck disable=SC2046 # the four numbers of the address
    vip=$(printf '%02x' $(group vip | tr . ' '))
    if [ "$(group version)" = 3 ]; then
        printf '31%02x%s01%04x%s%s' "$(group router_id)" "$priority" $(($(group advert_ms) / 10)) "$checksum" "$vip"
        return
    fi
    if has_password; then
        auth=1
        password=$(awk '{ printf "%s", $2 }' "$SECRET" | od -An -v -tx1 | tr -d ' \n')
    fi
    while [ "${#password}" -lt 16 ]; do password+=00; done
    printf '21%02x%s01%02x%02x%s%s%s' "$(group router_id)" "$priority" "$auth" $(($(group advert_ms) / 1000)) \
        "$checksum" "$vip" "$password"
}

# What a keepalived says that ends in order, in place of one that was killed: peers need not miss its adverts first. One
# of them is told, which takes over and tells the others: told one after the other, each would take it from the one before.
# The first that can serve, since they are named as they rank.
take_leave() {
    local conf=/etc/keepalived/keepalived.conf own peer
    own=$(awk '$1 == "unicast_src_ip" { print $2; exit }' "$conf" 2>/dev/null || true)
    [ -n "$own" ] || return 0
    for peer in $(peers_in "$conf"); do
        answered_by "$peer" || continue
        # Peers discard what may have passed a router: its time to live is below 255 (RFC 5798 5.1.1.3).
        farewell "$own" "$peer" | timeout 3 socat -u STDIN "IP4-SENDTO:$peer:112,bind=$own,ttl=255" 2>/dev/null || true
        return
    done
}

farewell() { # farewell OWN-ADDRESS PEER: an advert of priority 0, as bytes
    local unsigned over
    unsigned=$(advert 00 0000)
    over=$unsigned
    # Version 3 signs the addresses, too: RFC 5798 5.2.8, RFC 2460 8.1. 112 is VRRP's protocol number.
    # shellcheck disable=SC2046 # the four numbers of each address
    [ "$(group version)" != 3 ] || over+=$(printf '%02x' $(echo "$1.$2" | tr . ' ') 0 112 0 $((${#unsigned} / 2)))
    # In one piece, for one packet: printf writes what it has whenever a byte is a line's end, as in 10.0.0.1.
    # shellcheck disable=SC2059 # what is printed is the bytes
    printf "$(advert 00 "$(internet_checksum "$over")" | sed 's/../\\x&/g')" | dd bs=64 count=1 iflag=fullblock status=none
}

internet_checksum() { # internet_checksum HEX: RFC 1071
    local sum=0 at
    for ((at = 0; at < ${#1}; at += 4)); do sum=$((sum + 16#${1:at:4})); done
    while [ "$((sum >> 16))" -gt 0 ]; do sum=$(((sum & 0xffff) + (sum >> 16))); done
    printf '%04x' $((~sum & 0xffff))
}

# The first thing keepalived.service does.
await_turn() { # await_turn [lead]
    local heard own peers asking
    watch_leavers || true
    ! speaks_as_before || return 0
    own=^$(advert)
    # Another endpoint may take this host, which has left it, for one of its own still.
    mapfile -t peers < <({ peers_in /etc/keepalived/keepalived.conf; leavers; } | sort -u)
    while true; do
        exec {asking}< <(! held_elsewhere || echo yes)
        heard=$(next_advert "$(silence_s "${1:-}")" "${peers[@]}")
        if [ -z "$heard" ]; then
            read -r _ <&"$asking" || break
            touch "$OUTWAITS"
        fi
        exec {asking}<&-
        # A holder that takes its leave says priority 0: what comes after it counts.
        [[ ! $heard =~ ^....00 && $heard =~ $own ]] && break
        sleep 0.1
    done
    rm -f "$OUTWAITS"
    remember_tongue
}

# Whether a balancer has the VIP that this host, which is new, will never hear: one that leaves tells those alone that it
# has known. It hands over to one of them when it is removed, which is after everything else.
held_elsewhere() { [ ! -e "$JOINED" ] && answered_by "$(group vip)"; }

join() { # join [BALANCER]: the name under which this host is one
    local since limit starting undo=$STATE/undo/keepalived stage="" was_active
    service=keepalived old_workers=""
    since=$(date '+%Y-%m-%d %H:%M:%S')
    was_active=$(systemctl is-active keepalived || true)
    systemctl enable --quiet keepalived 2>/dev/null
    if [ "$was_active" = active ] && ! speaks_as_before; then
        activate_in_office || true
    else
        rm -f "$OUTWAITS"
        limit=$(silence_s | awk '{ print 60 + int($1) }')
        timeout "$limit" systemctl start keepalived &
        starting=$!
        await "$limit" has_begun || true
        if [ -e "$OUTWAITS" ]; then
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

has_begun() { ! kill -0 "$starting" 2>/dev/null || [ -e "$OUTWAITS" ]; }

# --- balancers that leave -----------------------------------------------------------------------------
#
# Pulumi removes a balancer after it has changed the others. Until then it must go on hearing them, or it would take
# the VIP for itself; so they go on telling it, and forget it when its HAProxy is gone. Too early would make two holders,
# too late costs nothing: everyone who leaves is noted unasked, and one whose HAProxy is only being started anew is waited for.

peers_in() { # the peers in a keepalived.conf
    [ ! -e "$1" ] || awk '/unicast_peer/ { on = 1; next } /}/ { on = 0 } on && /^ *[0-9]/ { print $1 }' "$1"
}

leavers() { [ ! -e "$LEAVERS" ] || grep -E '^[0-9]' "$LEAVERS" || true; }

write_leavers() { # write_leavers ADDRESS...
    mkdir -p "$(dirname "$LEAVERS")"
    {
        echo "# Balancers that were removed and still run: they hear adverts until they have stopped."
        [ "$#" -eq 0 ] || printf '%s\n' "$@"
    } >"$LEAVERS.havip-new"
    mv -f "$LEAVERS.havip-new" "$LEAVERS"
}

still_there() { # those of the addresses on stdin whose HAProxy answers
    local address
    while read -r address; do
        if await "$HEALTHY_WITHIN_S" answered_by "$address"; then echo "$address"; fi
    done
}

note_leavers() {
    local conf=/etc/keepalived/keepalived.conf gone
    mapfile -t gone < <({ peers_in "$conf"; leavers; } | sort -u | grep -vxFf <(peers_in "$stage$conf"))
    write_leavers "${gone[@]}"
    # The service, too: it may wait for the lock that this run holds, and its name would be taken.
    systemctl stop kube-apiserver-havip-leavers.{timer,service} 2>/dev/null || true
    [ "${#gone[@]}" -gt 0 ] || remember_question
    watch_leavers
}

# Also after a boot, which no timer of systemd-run survives.
watch_leavers() {
    [ -n "$(leavers)" ] && ! systemctl is-active --quiet kube-apiserver-havip-leavers.timer || return 0
    systemd-run --quiet --collect --unit kube-apiserver-havip-leavers --on-active=30s --on-unit-active=30s \
        "$LIBRARY/hostctl" forget-leavers
}

# Whether a HAProxy answers there: on the monitor's port as it is, or as it was when those left who are leaving now.
answered_by() { # answered_by ADDRESS
    local events
    for events in "$LIBRARY/haproxy-events" "$STATE/haproxy-events"; do
        [ -x "$events" ] && "$events" answers "$1" && return
    done
    return 1
}

# HAProxy's files change first: how the balancers of now are asked, for when one of them leaves.
remember_question() { cp -p "$LIBRARY/haproxy-events" "$STATE/haproxy-events" 2>/dev/null || true; }

forget_leavers() {
    local before here
    # A holder whose new files wait for the others is not to read them: the timer asks again.
    speaks_as_before && [ ! -e "$STATE/unfinished-keepalived" ] || return 0
    mapfile -t before < <(leavers)
    mapfile -t here < <(leavers | still_there)
    if [ "${#here[@]}" -lt "${#before[@]}" ]; then
        write_leavers "${here[@]}"
        systemctl reload keepalived
        service=keepalived
        dismiss /
    fi
    [ "${#here[@]}" -gt 0 ] || { remember_question && systemctl stop kube-apiserver-havip-leavers.timer; }
}
