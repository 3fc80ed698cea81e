# --- VRRP's adverts, as hex ------------------------------------------------------------------------------
#
# Texts only; nothing is sent or heard here.

# An advert as this host would send it: RFC 5798 5.1 (version 3), RFC 3768 5.1 (version 2). Dots stand for anything.
advert() { # advert [PRIORITY] [CHECKSUM]
    local priority=${1:-..} checksum=${2:-....} vip password="" auth=0
    vip=$(address_as_hex "$(group vip)")
    if [ "$(group version)" = 3 ]; then
        printf '31%02x%s01%04x%s%s' "$(group router_id)" "$priority" $(($(group advert_ms) / 10)) "$checksum" "$vip"
        return
    fi
    if has_password; then
        auth=1
        password=$(awk '{ printf "%s", $2 }' "$SECRET" | as_hex)
    fi
    while [ "${#password}" -lt 16 ]; do password+=00; done
    printf '21%02x%s01%02x%02x%s%s%s' "$(group router_id)" "$priority" "$auth" $(($(group advert_ms) / 1000)) \
        "$checksum" "$vip" "$password"
}

# What a keepalived sends when it ends in order; as bytes.
priority_zero() { # priority_zero OWN-ADDRESS PEER
    local unsigned over
    unsigned=$(advert 00 0000)
    over=$unsigned
    # Version 3 signs the addresses, too: RFC 5798 5.2.8, RFC 2460 8.1. 112 is VRRP's protocol number.
    [ "$(group version)" != 3 ] ||
        over+=$(address_as_hex "$1")$(address_as_hex "$2")$(printf '%04x%04x' 112 $((${#unsigned} / 2)))
    # In one piece, for one packet: printf writes what it has whenever a byte is a line's end, as in 10.0.0.1.
    # shellcheck disable=SC2059 # what is printed is the bytes
    printf "$(advert 00 "$(internet_checksum "$over")" | sed 's/../\\x&/g')" | dd bs=64 count=1 iflag=fullblock status=none
}

# Whether an advert's sender gives up the VIP with it: priority 0. What comes after it counts.
is_priority_zero() { [[ $1 =~ ^....00 ]]; }

internet_checksum() { # internet_checksum HEX: RFC 1071
    local sum=0 at
    for ((at = 0; at < ${#1}; at += 4)); do sum=$((sum + 16#${1:at:4})); done
    while [ "$((sum >> 16))" -gt 0 ]; do sum=$(((sum & 0xffff) + (sum >> 16))); done
    printf '%04x' $((~sum & 0xffff))
}

# shellcheck disable=SC2046 # the four numbers of the address
address_as_hex() { printf '%02x' $(echo "$1" | tr . ' '); }

as_hex() { od -An -v -tx1 | tr -d ' \n'; }
