# --- the service that this run is about ------------------------------------------------------------------
#
# What most functions are about are the globals that `work_on` sets. Whoever changes the service notes in $was_active
# beforehand whether it ran (`apply`, `join`); $probe is the bundle's.

work_on() { # work_on SERVICE
    service=$1
    stage=$STATE/stage/$service undo=$STATE/undo/$service ours=$STATE/ours/$service
    # There from before the first file changes until the service is healthy with the new ones.
    unfinished=$STATE/unfinished-$service
    # Those of a HAProxy that is reloaded: it is healthy once there is another one.
    old_workers=""
}

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

activate() {
    systemctl daemon-reload
    systemctl enable --quiet "$service" 2>/dev/null
    old_workers=""
    if must_restart; then
        systemctl restart "$service"
    else
        [ "$service" != haproxy ] || old_workers=$(workers)
        systemctl reload "$service"
    fi
}

must_restart() { # must_restart [DIRECTORY]: for the files below it, or else for those that are in place
    local unit=/etc/systemd/system/$service.service.d/kube-apiserver-havip.conf new
    [ "$was_active" = active ] || return 0
    # A reloaded HAProxy executes its new program by itself.
    [ "$service" != keepalived ] || ! outdated || return 0
    new=${1:-}$unit
    [ -e "$new" ] || new=$unit
    [ "$(restart_lines "$new")" != "$(restart_lines "$undo$unit")" ]
}

# What only a restart puts into effect. (A reloaded HAProxy, being root, gives itself the descriptors it needs.)
restart_lines() {
    grep -hE '^(ExecStart|RuntimeDirectory|Environment|User|Type)=' "$1" 2>/dev/null || true
}

main_pid() { systemctl show --property MainPID --value "$service"; }
workers() { pgrep -P "$(main_pid)" | sort || true; }

# Whether the program that runs has been replaced by a newer package.
outdated() { [[ $(readlink "/proc/$(main_pid)/exe" 2>/dev/null) == *" (deleted)" ]]; }

enabled() { systemctl is-enabled --quiet "$service" 2>/dev/null; }

# Whether what runs is what the files say: systemd notes when it last started or reloaded a service.
loaded() {
    local config since
    case $service in
    haproxy) config=$HAPROXY_CFG ;;
    keepalived) config=$KEEPALIVED_CONF ;;
    esac
    [ "$(systemctl show --property NeedDaemonReload --value "$service")" != yes ] || return 1
    # In UTC: date takes the CST of China for the one of Chicago.
    since=$(TZ=UTC systemctl show --property StateChangeTimestamp --value "$service")
    [ ! -e "$config" ] || [ "$(stat -c %Y "$config")" -le "$(date --date "$since" +%s)" ]
}

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

answers() { curl --silent --output /dev/null --noproxy '*' --max-time 1 "$probe"; }

said_since() { # said_since SINCE [OPTION...]: what the service has said, SINCE a time that `now` gave
    journalctl --unit "$service" --since "$1" --no-pager --output cat "${@:2}" 2>/dev/null
}

last_words() { said_since "$1" --lines 20 || true; }

now() { date '+%Y-%m-%d %H:%M:%S'; }
