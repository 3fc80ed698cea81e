# --- whose this host is ---------------------------------------------------------------------------------
#
# Reads: $owner, $formerly and $take_over, which `unpack` or `may` sets; of the service: $service, $ours, $paths.

# Whether this endpoint may have this host. Asked before anything is changed on it, the tool included.
may() { # may TAKE-OVER NAME [FORMER NAME...]
    take_over=$1 owner=$2 formerly=${*:3}
    check_owner
    work_on haproxy
    paths=("$HAPROXY_CFG")
    check_foreign
    work_on keepalived
    paths=("$KEEPALIVED_CONF")
    check_foreign
}

check_owner() {
    local present=""
    [ -e "$STATE/owner" ] && present=$(cat "$STATE/owner")
    if [ -n "$present" ] && [ "$present" != "$owner" ] && [[ " $formerly " != *" $present "* ]]; then
        fail "serves the endpoint '$present' already, '$owner' needs hosts of its own; nothing was changed." \
            "If it is '$present' under a new name, give the component an alias with the old one." \
            "To move the host, take it out of '$present' first, in an update of its own"
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

# Whether a file is as its package brought it.
shipped() {
    if [ "$(manager)" = apt-get ]; then
        dpkg-query -W -f '${Conffiles}\n' "$service" 2>/dev/null | grep -qxF " $1 $(md5sum <"$1" | cut -d ' ' -f 1)"
    else
        # rpm itself fails when it finds a difference, which is not the question.
        rpm -qf "$1" >/dev/null 2>&1 && ! { rpm -Vf "$1" || true; } | grep -qF " $1"
    fi
}

serves_another_endpoint() { # serves_another_endpoint NAME [FORMER NAME...] [-- BALANCER]
    local all="$*" present=""
    [ ! -e "$STATE/owner" ] || present=$(cat "$STATE/owner")
    [ -n "$present" ] && [[ " ${all%% -- *} " != *" $present "* ]] || return 1
    echo "serves the endpoint '$present': left as it is"
}

serves_another_balancer() { # serves_another_balancer NAME [FORMER NAME...] [-- BALANCER]
    local others
    [ -n "$(balancer_of "$@")" ] || return 1
    others=$(find "$STATE/balancers" -type f ! -name "$(balancer_of "$@")" -printf '%f ' 2>/dev/null || true)
    [ -n "$others" ] || return 1
    echo "serves as the balancer ${others% }: left as it is. If it is none any more, run here: $LIBRARY/hostctl retire $1"
}

balancer_of() { # balancer_of NAME [FORMER NAME...] [-- BALANCER]
    local all="$*"
    [[ $all != *" -- "* ]] || echo "${all##* -- }"
}
