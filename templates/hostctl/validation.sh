# --- the staged files are judged, before any is in its place -------------------------------------------------
#
# Reads: $service, $stage; what `try_out` and `standing` read.

validate() {
    check_tools
    check_version
    case $service in
    haproxy) validate_haproxy ;;
    keepalived) validate_keepalived ;;
    esac
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
check_version() {
    local found
    found=$(version_of keepalived || true)
    [ -z "$found" ] || is_from "$OLDEST_KEEPALIVED" "$found" ||
        fail "keepalived $found is older than $OLDEST_KEEPALIVED, from which on it has what this configuration needs" \
            "(adverts below a second, track files, its own test); nothing was changed. Install a newer one:" \
            "packages.names with keepalived=VERSION, or another image"
}

validate_haproxy() {
    local said judged=$stage$HAPROXY_CFG.judged
    sed "s|$LIBRARY/|$stage$LIBRARY/|g" "$stage$HAPROXY_CFG" >"$judged"
    said=$(haproxy -c -f "$judged" 2>&1) ||
        fail "haproxy refuses the new configuration:"$'\n'"${said//$stage/}"$'\n'"$(standing)"
    rm -f "$judged"
    try_out
}

validate_keepalived() {
    local said judged=$stage$KEEPALIVED_CONF.judged included=()
    # keepalived looks at its scripts while it tests: let it see the staged ones.
    sed "s|/etc/keepalived/|$stage/etc/keepalived/|g; s|$LIBRARY/|$stage$LIBRARY/|g" "$stage$KEEPALIVED_CONF" >"$judged"
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
    judge_parameters
}
