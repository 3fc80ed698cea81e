# --- swap, activate, probe, roll back ------------------------------------------------------------------

# Whether the services ran before our first change: of both at once, since what was made by hand may stop the one when
# the other restarts.
remember_running() {
    local each
    install -d -m 700 "$STATE"
    # What was held back when this host left, ran before it came.
    [ ! -e "$HELD" ] || [ -e "$STATE/before-keepalived" ] || echo active >"$STATE/before-keepalived"
    remember_enabled
    for each in haproxy keepalived; do
        [ -e "$STATE/before-$each" ] || systemctl is-active "$each" >"$STATE/before-$each" || true
    done
}

# Whether a boot starts them: asked before a package enables what it installs, too.
remember_enabled() {
    local each
    install -d -m 700 "$STATE"
    for each in haproxy keepalived; do
        [ -e "$STATE/before-$each" ] || [ -e "$STATE/enabled-$each" ] ||
            systemctl is-enabled "$each" >"$STATE/enabled-$each" 2>/dev/null || true
    done
}

# Keep what is there now in $undo, and once, before our first change, in $STATE/original.
keep() {
    local path
    remember_running
    ! enabled || touch "$undo/enabled"
    for path in "${paths[@]}"; do
        [ -e "$path" ] || continue
        mkdir -p "$undo$(dirname "$path")"
        cp -p "$path" "$undo$path"
        if [ ! -e "$ours$path" ]; then
            mkdir -p "$STATE/original$(dirname "$path")"
            cp -p "$path" "$STATE/original$path"
        fi
    done
}

put() { # put FROM TO: in one rename, so that nobody ever reads half a file
    mkdir -p "$(dirname "$2")" && cp -p "$1" "$2.havip-new" && mv -f "$2.havip-new" "$2" && return
    rm -f "$2.havip-new"
    return 1
}

swap() {
    local path
    for path in "${paths[@]}"; do
        cmp -s "$stage$path" "$path" || forget_metric "$path"
        mkdir -p "$ours$(dirname "$path")" && touch "$ours$path" && put "$stage$path" "$path" || return 1
    done
    renew_metric
}

roll_back() {
    local path
    for path in "${paths[@]}"; do
        if [ -e "$undo$path" ]; then
            cmp -s "$undo$path" "$path" || { forget_metric "$path" && put "$undo$path" "$path"; } || true
        else
            forget_metric "$path"
            rm -f "$path"
        fi
    done
    renew_metric
    systemctl daemon-reload
    [ "$service" != keepalived ] || [ ! -e "$JOINED" ] || remember_tongue
    if [ "$was_active" = active ]; then
        systemctl reload "$service" || systemctl restart "$service" || true
    else
        systemctl stop "$service" || true
    fi
    [ -e "$undo/enabled" ] || systemctl disable --quiet "$service" 2>/dev/null || true
}

# What was not ours before this change is not ours after it: the next one must not overwrite it unasked.
disown_new() { # disown_new LIST: of what was ours before
    local path
    # A run of an earlier version made none.
    [ -s "$1" ] || return 0
    while IFS= read -r path; do
        grep -qxF "$path" "$1" || rm -f "$ours$path" "$STATE/original$path"
    done < <(our_files)
    rmdir "/etc/systemd/system/$service.service.d" 2>/dev/null || true
    # What the files that are back do not need.
    dismiss / 2>/dev/null
    find "$STATE/ours" "$STATE/original" -type d -empty -delete 2>/dev/null || true
    # A host with nothing of ours is anybody's. (What a boot started stays noted: packages may be installed since.)
    [ -e "$STATE/ours" ] || [ -e "$STATE/wrote-secret" ] || rm -f "$STATE/owner" "$STATE"/before-{haproxy,keepalived}
}

# What only a restart puts into effect. (A reloaded HAProxy, being root, gives itself the descriptors it needs.)
restart_lines() {
    grep -hE '^(ExecStart|RuntimeDirectory|Environment|User|Type)=' "$1" 2>/dev/null || true
}

must_restart() {
    local unit=/etc/systemd/system/$service.service.d/kube-apiserver-havip.conf
    [ "$was_active" = active ] || return 0
    # A reloaded HAProxy executes its new program by itself.
    [ "$service" != keepalived ] || ! outdated || return 0
    # Asked before the swap as well as after it, and when nothing is staged any more.
    [ ! -e "$stage$unit" ] || unit=$stage$unit
    [ "$(restart_lines "$unit")" != "$(restart_lines "$undo${unit#"$stage"}")" ]
}

main_pid() { systemctl show --property MainPID --value "$service"; }
workers() { pgrep -P "$(main_pid)" | sort || true; }

# Whether the program that runs has been replaced by a newer package.
outdated() { [[ $(readlink "/proc/$(main_pid)/exe" 2>/dev/null) == *" (deleted)" ]]; }

activate() {
    systemctl daemon-reload
    systemctl enable --quiet "$service" 2>/dev/null
    # Kept for the probe: after a reload a new worker must appear.
    old_workers=""
    if must_restart; then
        systemctl restart "$service"
    else
        [ "$service" != haproxy ] || old_workers=$(workers)
        systemctl reload "$service"
    fi
}

answers() { curl --silent --output /dev/null --noproxy '*' --max-time 1 "$probe"; }

healthy() {
    [ "$(systemctl is-active "$service")" = active ] || return 1
    ! outdated || return 1
    case $service in
    haproxy)
        [ -z "$old_workers" ] || [ -n "$(comm -13 <(echo "$old_workers") <(workers))" ] || return 1
        answers
        ;;
    keepalived)
        # FAULT would mean that keepalived runs and takes no part.
        grep -qxE 'MASTER|BACKUP' "$RUNTIME/vrrp-state" 2>/dev/null
        ;;
    esac
}

await() { # await SECONDS COMMAND...
    local deadline=$(($(uptime_s) + $1))
    shift
    until "$@"; do
        [ "$(uptime_s)" -lt "$deadline" ] || return 1
        sleep 0.2
    done
}

# Files of an earlier bundle that are not in this one.
prune() {
    local path
    while IFS= read -r path; do
        [ -e "$stage$path" ] || restore "$path"
    done < <(our_files)
}

our_files() { find "$ours" -type f -printf '/%P\n' 2>/dev/null; }

restore() { # what was at this path before our first change, or nothing
    forget_metric "$1"
    rm -f "$1" "$ours$1"
    [ ! -e "$STATE/original$1" ] || put "$STATE/original$1" "$1"
}

last_words() { # last_words SINCE: what the service has said
    journalctl --unit "$service" --since "$1" --no-pager --lines 20 --output cat 2>/dev/null || true
}

apply() {
    service=$1
    stage=$STATE/stage/$service undo=$STATE/undo/$service ours=$STATE/ours/$service
    # Left by a run that was killed between swapping and the probe: its files are not active yet, and what it
    # kept for rolling back is still the state to go back to.
    unfinished=$STATE/unfinished-$service
    rm -rf "$stage"
    [ -e "$unfinished" ] || rm -rf "$undo"
    install -d -m 700 "$STATE" "$stage" "$undo"
    unpack
    check_owner
    check_foreign
    was_active=$(systemctl is-active "$service" || true)
    old_workers=""
    if [ ! -e "$unfinished" ] && same && loaded && enabled && healthy; then
        rm -rf "$stage" "$undo"
        echo "$service: unchanged and healthy"
        return
    fi
    validate
    [ "$service" != haproxy ] || await_ports
    local how=activate since
    echo "$owner" >"$STATE/owner"
    if [ ! -e "$unfinished" ]; then
        keep
        # Which files were ours before: for taking back what a failed change marks as ours.
        { echo "ours before:" && our_files; } >"$unfinished.new" || true
        mv -f "$unfinished.new" "$unfinished"
    fi
    [ "$service" != keepalived ] || how=$(way_in)
    [ "$service" != keepalived ] || note_leavers
    since=$(date '+%Y-%m-%d %H:%M:%S')
    if ! admit "$stage" || ! swap || ! label_scripts || ! "$how" || ! settled; then
        local said
        said=$(last_words "$since")
        roll_back
        # In this order: a run that ends here leaves either everything that is needed to go on, or too many marks of ours.
        mv -f "$unfinished" "$unfinished.over"
        disown_new "$unfinished.over"
        rm -f "$unfinished.over"
        fail "$service did not take the new configuration; the old files are back. It said:" \
            $'\n'"$said"$'\n'"$(standing)"
    fi
    # One that goes on as it was still needs its own check, its peers let in, and its files to go back to.
    if [ "$how" != hold_on ]; then
        prune
        dismiss "$stage"
    fi
    rm -rf "$stage" "$unfinished"
    if [ "$how" != hold_on ]; then
        rm -rf "$undo"
        [ "$service" != keepalived ] || forget_secret
    fi
    case $how in
    wait_to_join) echo "keepalived: ready to join" ;;
    stand_aside) echo "keepalived: stands aside until the holder speaks alike" ;;
    hold_on) echo "keepalived: holds the VIP, and changes when all others stand aside" ;;
    *) echo "$service: applied and healthy" ;;
    esac
}

# Whether the service is healthy, if what was done to it should have made it so.
settled() {
    case $how in
    wait_to_join | stand_aside | hold_on) ;;
    *) await "$HEALTHY_WITHIN_S" healthy ;;
    esac
}
