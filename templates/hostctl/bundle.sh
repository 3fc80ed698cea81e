# --- a bundle ----------------------------------------------------------------------------------------
#
# Reads: $service, $stage. Sets, as globals: $owner, $formerly, $take_over, $lead, $reached, $ahead and $probe, the
# bundle's headers; $paths, where its files belong.

# Unpack the bundle on stdin into $stage.
unpack() {
    local line target="" mode version lua interface="" address given fds spare kept maxconn="" endpoint=""
    owner="" formerly="" probe="" take_over="" lead="" reached="" ahead=""
    paths=()
    version=$(version_of "$service" || true)
    lua=$(lua_of "$service")
    while IFS= read -r line; do
        case $line in
        "==== owner "*) owner=${line#==== owner } ;;
        "==== formerly "*) formerly=${line#==== formerly } ;;
        "==== take-over "*) take_over=${line#==== take-over } ;;
        "==== lead "*) lead=${line#==== lead } ;;
        "==== done "*) reached=${line#==== done } ;;
        "==== next "*) ahead=${line#==== next } ;;
        "==== package "*) ;; # a change of it is why this run is made; what runs is looked at below
        "==== interface "*)
            read -r _ _ address given <<<"$line"
            interface=$(interface_of "$address" "$given")
            ;;
        "==== descriptors "*)
            read -r _ _ fds spare kept <<<"$line"
            maxconn=$(connections "$fds" "$spare" "$kept")
            endpoint=$((maxconn - kept))
            ;;
        "==== probe "*) probe=${line#==== probe } ;;
        "==== file "*)
            read -r _ _ target mode <<<"$line"
            paths+=("$target")
            mkdir -p "$stage$(dirname "$target")"
            install -m "$mode" /dev/null "$stage$target"
            ;;
        "==== "*) fail "hostctl is older than the bundle: unknown header '$line'" ;;
        *)
            [ -n "$target" ] || continue
            fits "$line" "$version" "$lua" || continue
            line=${line//@INTERFACE@/$interface}
            line=${line//@MAXCONN@/$maxconn}
            printf '%s\n' "${line//@MAXCONN_ENDPOINT@/$endpoint}" >>"$stage$target"
            ;;
        esac
    done
    [ "${#paths[@]}" -gt 0 ] || fail "the bundle holds no file"
}

# Whether a line is for a program of this version: "# from VERSION on", "# before VERSION", "# with Lua" or "# without Lua"
# at its end say for which.
fits() { # fits LINE VERSION with|without
    if [[ $1 =~ \ \#\ (with|without)\ Lua$ ]]; then
        [ "${BASH_REMATCH[1]}" = "$3" ]
        return
    fi
    [[ $1 =~ \ \#\ (from|before)\ ([0-9.]+)(\ on)?$ ]] || return 0
    case ${BASH_REMATCH[1]} in
    from) is_from "${BASH_REMATCH[2]}" "$2" ;;
    before) ! is_from "${BASH_REMATCH[2]}" "$2" ;;
    esac
}

version_of() { "$1" -v </dev/null 2>&1 | grep -oE '[0-9]+\.[0-9]+' | head -n 1; }

lua_of() { # lua_of PROGRAM: "with" or "without"
    # To its end, or a closed pipe would be taken for a HAProxy without it.
    if "$1" -vv </dev/null 2>&1 | grep -E '\+LUA|USE_LUA=1' >/dev/null; then echo with; else echo without; fi
}

is_from() { # is_from SINCE VERSION: whether VERSION is SINCE or later
    [ "$(printf '%s\n' "$1" "$2" | sort -V | tail -n 1)" = "$2" ]
}

interface_of() { # interface_of ADDRESS [NAME]
    local found
    found=$(ip -o -4 address show to "$1" | awk '{ print $2; exit }')
    [ -n "$found" ] || fail "no interface here has the address $1: is it the balancer's private address?"
    [ -z "${2:-}" ] || [ -n "$(ip -o -4 address show to "$1" dev "$2" 2>/dev/null)" ] ||
        fail "interface $2 does not have the balancer's address $1, $found has it, and the VIP must be beside it; no" \
            "service was changed. Give $found as its interface, or none"
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
