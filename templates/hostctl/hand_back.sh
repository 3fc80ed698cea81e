# --- a keepalived of before, held back ------------------------------------------------------------------
#
# Balancers that stay speak another VRRP, or have forgotten this host: a keepalived with its own files again would be a
# second holder. When everything goes, `hand_back` starts it, after the last one has stopped.

# Before the files go that say so; they and the tool are gone when `hand_back` is run.
remember_vip() {
    local silence
    [ -e "$GROUP" ] && [ ! -e "$HELD" ] || return 0
    silence=$(silence_s lead)
    install -d -m 700 "$HELD.new"
    cp "$LIBRARY/hostctl" "$HELD.new/hostctl"
    echo "$(group vip) $((${silence%.*} + 1))" >"$HELD.new/vip"
    mv "$HELD.new" "$HELD"
}

# Whether keepalived, with its own files again, would take the endpoint's VIP.
contends() {
    [ -e "$HELD" ] || return 1
    grep -rqwF -- "$(cut -d ' ' -f 1 "$HELD/vip")" /etc/keepalived && return
    rm -rf "$HELD"
    return 1
}

hold_back() {
    local vip
    vip=$(cut -d ' ' -f 1 "$HELD/vip")
    systemctl disable --quiet keepalived
    echo "keepalived: has its own files again, and is left stopped: they have $vip, which another balancer may have." \
        "Once none has it any more: systemctl enable --now keepalived"
}

# Whether anybody speaks for the VIP, in whatever VRRP.
heard() {
    local vip silence deadline left advert pattern
    read -r vip silence <"$HELD/vip"
    pattern="^[23]1.{14}$(address_as_hex "$vip")"
    deadline=$(($(uptime_s) + silence))
    while left=$((deadline - $(uptime_s))) && [ "$left" -gt 0 ]; do
        advert=$(next_advert "$left")
        if ! is_priority_zero "$advert" && [[ $advert =~ $pattern ]]; then
            echo "VRRP is heard for $vip"
            return
        fi
    done
}

hand_back() {
    systemctl enable --quiet keepalived
    systemctl restart keepalived
    rm -rf "$HELD"
    echo "keepalived: runs again with its own files"
}
