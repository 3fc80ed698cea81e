# --- a bundle ----------------------------------------------------------------------------------------

# Unpack the bundle on stdin into $stage; sets its headers and the arrays paths and modes.
unpack() {
    local line target="" age="" lua="" fds spare kept maxconn="" endpoint=""
    owner="" formerly="" probe="" interface="" take_over="" lead="" reached="" ahead=""
    paths=() modes=()
    while IFS= read -r line; do
        case $line in
        "==== owner "*) owner=${line#==== owner } ;;
        "==== formerly "*) formerly=${line#==== formerly } ;;
        "==== take-over "*) take_over=${line#==== take-over } ;;
        "==== lead "*) lead=${line#==== lead } ;;
        "==== done "*) reached=${line#==== done } ;;
        "==== next "*) ahead=${line#==== next } ;;
        "==== package "*) ;; # a change of it is why this run is made; what runs is looked at below
        "==== interface "*) interface=$(interface_of "${line#==== interface }") ;;
        "==== descriptors "*)
            read -r _ _ fds spare kept <<<"$line"
            maxconn=$(connections "$fds" "$spare" "$kept")
            endpoint=$((maxconn - kept))
            ;;
        "==== probe "*) probe=${line#==== probe } ;;
        "==== file "*)
            read -r _ _ target mode <<<"$line"
            paths+=("$target")
            modes+=("$mode")
            mkdir -p "$stage$(dirname "$target")"
            install -m "$mode" /dev/null "$stage$target"
            ;;
        "==== "*) fail "hostctl is older than the bundle: unknown header '$line'" ;;
        *)
            [ -n "$target" ] || continue
            fits "$line" || continue
            line=${line//@INTERFACE@/$interface}
            line=${line//@MAXCONN@/$maxconn}
            printf '%s\n' "${line//@MAXCONN_ENDPOINT@/$endpoint}" >>"$stage$target"
            ;;
        esac
    done
    [ "${#paths[@]}" -gt 0 ] || fail "the bundle holds no file"
}

# Whether a line is for the program of this host: "# from VERSION on", "# before VERSION", "# with Lua" or "# without Lua"
# at its end say for which.
fits() {
    if [[ $1 =~ \ \#\ (with|without)\ Lua$ ]]; then
        [ -n "$lua" ] || { lua=with && "$service" -vv </dev/null 2>&1 | grep -E '\+LUA|USE_LUA=1' >/dev/null; } || lua=without
        [ "${BASH_REMATCH[1]}" = "$lua" ]
        return
    fi
    [[ $1 =~ \ \#\ (from|before)\ ([0-9.]+)(\ on)?$ ]] || return 0
    local since=${BASH_REMATCH[2]} which=${BASH_REMATCH[1]}
    [ -n "$age" ] || age=$(age_of "$service")
    case $which in
    from) is_from "$since" "$age" ;;
    before) ! is_from "$since" "$age" ;;
    esac
}

age_of() { "$1" -v </dev/null 2>&1 | grep -oE '[0-9]+\.[0-9]+' | head -n 1; }

is_from() { # is_from SINCE AGE: whether AGE is SINCE or later
    [ "$(printf '%s\n' "$1" "$2" | sort -V | tail -n 1)" = "$2" ]
}

# What the scripts do their work with; without it they would take silence for an answer.
check_tools() {
    local tool missing=()
    for tool in haproxy keepalived socat curl; do
        command -v "$tool" >/dev/null || missing+=("$tool")
    done
    [ "${#missing[@]}" -eq 0 ] ||
        fail "not installed, and needed by the configuration: ${missing[*]}; nothing was changed." \
            "Install what is missing, or let this stack do so (packages.install, packages.names)"
}

# An older keepalived passes over what it does not know, and its test as well: refused before either service changes.
check_age() {
    local found
    found=$(age_of keepalived || true)
    [ -z "$found" ] || is_from "$OLDEST_KEEPALIVED" "$found" ||
        fail "keepalived $found is older than $OLDEST_KEEPALIVED, from which on it has what this configuration needs" \
            "(adverts below a second, track files, its own test); nothing was changed. Install a newer one:" \
            "packages.names with keepalived=VERSION, or another image"
}

interface_of() {
    local found
    found=$(ip -o -4 address show to "$1" | awk '{ print $2; exit }')
    [ -n "$found" ] || fail "no interface here has the address $1: is it the balancer's private address?"
    echo "$found"
}

# How many connections fit into the descriptors that a process may have here.
connections() { # connections FDS SPARE KEPT
    local fds=$1 permitted
    permitted=$(ulimit -H -n)
    # Where root may raise its limit, systemd may, too.
    [ "$permitted" = unlimited ] || [ "$permitted" -ge "$fds" ] || (ulimit -n "$fds") 2>/dev/null || fds=$permitted
    [ $(((fds - $2) / 2)) -gt $((2 * $3)) ] ||
        fail "this host permits a process $fds file descriptors, too few for HAProxy ($2 beside two a connection):" \
            "raise the hard limit (DefaultLimitNOFILE of systemd)"
    echo $(((fds - $2) / 2))
}

# Where a change that ends here leaves every host: the last words of a failure.
standing() {
    [ -z "$reached" ] || echo "The new configuration is on: $reached."
    echo "This host keeps the one before it${ahead:+, and so do: $ahead}. Mend the cause and run the update again."
}

check_owner() {
    local present=""
    [ -e "$STATE/owner" ] && present=$(cat "$STATE/owner")
    if [ -n "$present" ] && [ "$present" != "$owner" ] && [[ " $formerly " != *" $present "* ]]; then
        fail "serves the endpoint '$present' already, '$owner' needs hosts of its own; nothing was changed." \
            "If it is '$present' under a new name, give the component an alias with the old one"
    fi
}

# Whether a file is as its package brought it.
shipped() {
    if [ "$(manager)" = apt-get ]; then
        dpkg-query -W -f '${Conffiles}\n' "$service" 2>/dev/null | grep -qxF " $1 $(md5sum <"$1" | cut -d ' ' -f 1)"
    else
        # rpm itself fails when it finds a difference, which is not the question.
        rpm -qf "$1" >/dev/null 2>&1 && ! { rpm -Vf "$1" || true; } | grep -qF " $1"
    fi
}

# What is neither ours nor the package's belongs to somebody.
check_foreign() {
    local path
    [ "$take_over" != yes ] || return 0
    for path in "${paths[@]}"; do
        [[ $path == /etc/$service/* && -e $path && ! -e $ours$path ]] || continue
        grep -qF "Written by kube-apiserver-havip" "$path" || shipped "$path" ||
            fail "$path is a configuration that somebody else made; nothing was changed. Move it away, or let this" \
                "stack take it over with take_over: true (it is put back when the stack is destroyed)"
    done
}

# Whether this endpoint may have this host. Asked before anything is changed on it, the tool included.
may() { # may TAKE-OVER NAME [FORMER NAME...]
    local paths ours
    take_over=$1 owner=$2 formerly=${*:3}
    check_owner
    service=haproxy ours=$STATE/ours/haproxy paths=(/etc/haproxy/haproxy.cfg)
    check_foreign
    service=keepalived ours=$STATE/ours/keepalived paths=(/etc/keepalived/keepalived.conf)
    check_foreign
}

same() {
    local index path
    for index in "${!paths[@]}"; do
        path=${paths[index]}
        cmp -s "$stage$path" "$path" || return 1
        [ "$(stat -c %a "$path")" = "$(stat -c %a "$stage$path")" ] || return 1
    done
}

validate() {
    local said
    check_tools
    check_age
    case $service in
    haproxy)
        local judged=$stage/etc/haproxy/haproxy.cfg.judged
        sed "s|$LIBRARY/|$stage$LIBRARY/|g" "$stage/etc/haproxy/haproxy.cfg" >"$judged"
        said=$(haproxy -c -f "$judged" 2>&1) ||
            fail "haproxy refuses the new configuration:"$'\n'"${said//$stage/}"$'\n'"$(standing)"
        rm -f "$judged"
        ;;
    keepalived)
        # keepalived looks at its scripts while it tests: let it see the staged ones.
        local judged=$stage/etc/keepalived/keepalived.conf.judged included=()
        sed "s|/etc/keepalived/|$stage/etc/keepalived/|g; s|$LIBRARY/|$stage$LIBRARY/|g" \
            "$stage/etc/keepalived/keepalived.conf" >"$judged"
        if grep -q '^ *include leavers.conf' "$judged"; then
            install -m 644 /dev/null "$stage$LEAVERS"
            included+=("$stage$LEAVERS")
        fi
        if grep -q '^ *include auth.conf' "$judged"; then
            # A missing or an empty file passes keepalived's test, and then there is no authentication.
            [ -s "$SECRET" ] || fail "$SECRET is missing or empty: VRRP would run without its password"
            install -m 600 "$SECRET" "$stage$SECRET"
            included+=("$stage$SECRET")
        fi
        if ! said=$(keepalived -t -f "$judged" 2>&1) || [[ $said == *"files missing"* ]]; then
            fail "keepalived refuses the new configuration:"$'\n'"$said"$'\n'"$(standing)"
        fi
        rm -f "$judged" "${included[@]}"
        ;;
    esac
}
