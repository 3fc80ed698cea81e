# --- check: what differs, changing nothing ------------------------------------------------------------
#
# Sets: $drift, the exit status; what `work_on` and `unpack` set.

# A finding is a line that begins with "files: " or "service: "; the lines of a difference follow, indented.
check() {
    local what=$1
    drift=0
    case $what in
    tool) cmp -s "$0" "$LIBRARY/hostctl" || found "files: $LIBRARY/hostctl is not what the stack wrote" ;;
    password) check_password ;;
    *)
        work_on "$what"
        stage=$(mktemp -d)
        trap 'rm -rf "$stage"' EXIT
        unpack
        check_files
        check_service
        ;;
    esac
    return "$drift"
}

found() {
    echo "$*"
    drift=3
}

check_files() {
    local path present
    for path in "${paths[@]}"; do
        if [ ! -e "$path" ]; then
            found "files: $path is missing"
            continue
        fi
        if ! cmp -s "$stage$path" "$path"; then
            found "files: $path is not what the stack wrote (- the stack's, + the host's):"
            difference "$stage$path" "$path"
        fi
        present=$(stat -c %a "$path")
        [ "$present" = "$(stat -c %a "$stage$path")" ] ||
            found "files: $path has mode $present, the stack's is $(stat -c %a "$stage$path")"
    done
}

# The first lines that differ. A password that somebody added by hand is nobody's business.
difference() {
    { diff --unified=0 "$1" "$2" || true; } |
        sed -E '1,2d; /^@@/d; s/((auth_pass|auth|password|passwd)[[:space:]]+).*/\1[hidden]/; s/^/    /' |
        awk 'NR <= 20; NR == 21 { print "    ..." }'
}

check_password() {
    local password
    IFS= read -r password || [ -n "$password" ]
    if [ ! -s "$SECRET" ]; then
        found "files: $SECRET is missing or empty"
    elif ! cmp -s <(printf 'auth_pass %s\n' "$password") "$SECRET"; then
        found "files: $SECRET does not hold the stack's password"
    elif [ "$(stat -c %a "$SECRET")" != 600 ]; then
        found "files: $SECRET has mode $(stat -c %a "$SECRET"), the stack's is 600"
    fi
}

check_service() {
    local state
    state=$(systemctl is-active "$service" || true)
    if [ "$state" = activating ] && [ -e "$WAITING_FOR_LEAVER" ]; then
        : # nobody is to be heard until a balancer that leaves has handed over
    elif [ "$state" != active ]; then
        found "service: $service is $state"
    elif ! loaded; then
        found "service: $service runs with an older configuration: its files were written after it was last reloaded"
    elif ! healthy && [ "$service" = haproxy ]; then
        found "service: haproxy runs and does not answer $probe"
    elif ! healthy; then
        found "service: keepalived runs in state $(cat "$RUNTIME/vrrp-state" 2>/dev/null || echo unknown), takes no part"
    fi
    enabled || found "service: $service would not start after a boot (it is not enabled)"
}
