#!/bin/bash
# hostctl: changes one service of this host as a transaction. Part of kube-apiserver-havip.
#
#   hostctl packages SECONDS NAME...  install packages, after cloud-init and other package managers are done
#   hostctl apply SERVICE < BUNDLE    stage, validate, swap, activate, probe; on failure everything is as before
#   hostctl secret < PASSWORD         the VRRP password, into the file that keepalived.conf includes
#   hostctl remove SERVICE            stop it and put back what was there before
#   hostctl release ADDRESS           drop a VIP that a dead keepalived left behind
#
# A bundle is text. Lines beginning with "==== " are its headers, what follows a file header is the file:
#   ==== owner NAME            the endpoint this belongs to; another one's host is refused
#   ==== take-over yes         configuration that somebody else made is replaced (and put back by remove)
#   ==== interface ADDRESS     @INTERFACE@ in the files becomes the interface that has ADDRESS
#   ==== probe URL             any HTTP answer of it means the service is healthy
#   ==== file PATH MODE        a file, with its octal mode
set -euo pipefail

LIBRARY=/usr/local/lib/kube-apiserver-havip
STATE=/var/lib/kube-apiserver-havip
RUNTIME=/run/kube-apiserver-havip
LOCK=/run/lock/kube-apiserver-havip.lock
SECRET=/etc/keepalived/auth.conf
HEALTHY_WITHIN_S=15

fail() {
    echo "$(hostname): $*" >&2
    exit 1
}

# --- packages ----------------------------------------------------------------------------------------

installed() {
    if command -v dpkg-query >/dev/null; then
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
    else
        rpm -q "$1" >/dev/null 2>&1
    fi
}

missing() {
    local name
    for name in "$@"; do
        installed "$name" || echo "$name"
    done
}

await_cloud_init() {
    command -v cloud-init >/dev/null || return 0
    # Its own failures are not ours; only its end matters.
    timeout "$1" cloud-init status --wait >/dev/null 2>&1 || true
}

# Debian starts a service as soon as it is installed, with a configuration that is not ours yet.
forbid_starts() {
    [ -e /usr/sbin/policy-rc.d ] && ! grep -q kube-apiserver-havip /usr/sbin/policy-rc.d && return 0
    printf '#!/bin/sh\n# kube-apiserver-havip, while packages are installed\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
}

install_once() {
    if command -v apt-get >/dev/null; then
        export DEBIAN_FRONTEND=noninteractive
        dpkg --configure -a &&
            apt-get -o DPkg::Lock::Timeout=120 update &&
            apt-get -o DPkg::Lock::Timeout=120 -o Dpkg::Options::=--force-confold \
                install --yes --no-install-recommends "$@"
    elif command -v dnf >/dev/null; then
        dnf --assumeyes install "$@"
    elif command -v yum >/dev/null; then
        yum --assumeyes install "$@"
    else
        echo "this host has none of apt-get, dnf and yum: install $* by other means, packages.install false"
        return 1
    fi
}

packages() {
    local bound=$1 deadline log wanted
    shift
    deadline=$(($(date +%s) + bound))
    mapfile -t wanted < <(missing "$@")
    if [ "${#wanted[@]}" -eq 0 ]; then
        echo "packages: already there"
        return
    fi
    await_cloud_init "$bound"
    log=$(mktemp)
    forbid_starts
    # Another package manager at work, or a mirror that is not reachable yet, is worth another try.
    until install_once "${wanted[@]}" >"$log" 2>&1 </dev/null 9>&- && [ -z "$(missing "$@")" ]; do
        if [ "$(date +%s)" -ge "$deadline" ]; then
            tail -n 15 "$log" >&2
            rm -f "$log"
            fail "could not install ${wanted[*]} within $bound s"
        fi
        sleep 3
    done
    rm -f "$log"
    echo "packages: installed ${wanted[*]}"
}

# --- a bundle ----------------------------------------------------------------------------------------

# Unpack the bundle on stdin into $stage; sets owner, probe, interface and the arrays paths and modes.
unpack() {
    local line target=""
    owner="" probe="" interface="" take_over=""
    paths=() modes=()
    while IFS= read -r line; do
        case $line in
        "==== owner "*) owner=${line#==== owner } ;;
        "==== take-over "*) take_over=${line#==== take-over } ;;
        "==== interface "*) interface=$(interface_of "${line#==== interface }") ;;
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
            printf '%s\n' "${line//@INTERFACE@/$interface}" >>"$stage$target"
            ;;
        esac
    done
    [ "${#paths[@]}" -gt 0 ] || fail "the bundle holds no file"
}

interface_of() {
    local found
    found=$(ip -o -4 address show to "$1" | awk '{ print $2; exit }')
    [ -n "$found" ] || fail "no interface here has the address $1: is it the balancer's private address?"
    echo "$found"
}

check_owner() {
    local present=""
    [ -e "$STATE/owner" ] && present=$(cat "$STATE/owner")
    if [ -n "$present" ] && [ "$present" != "$owner" ]; then
        fail "serves the endpoint '$present' already, '$owner' needs hosts of its own"
    fi
}

# Whether a file is as its package brought it.
shipped() {
    if command -v dpkg-query >/dev/null; then
        dpkg-query -W -f '${Conffiles}\n' "$service" 2>/dev/null | grep -qxF " $1 $(md5sum <"$1" | cut -d ' ' -f 1)"
    else
        rpm -qf "$1" >/dev/null 2>&1 && ! rpm -Vf "$1" | grep -qF " $1"
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
    case $service in
    haproxy)
        said=$(haproxy -c -f "$stage/etc/haproxy/haproxy.cfg" 2>&1) ||
            fail "haproxy refuses the new configuration:"$'\n'"$said"
        ;;
    keepalived)
        # keepalived looks at its scripts while it tests: let it see the staged ones.
        local judged=$stage/etc/keepalived/keepalived.conf.judged
        sed "s|/etc/keepalived/|$stage/etc/keepalived/|g; s|$LIBRARY/|$stage$LIBRARY/|g" \
            "$stage/etc/keepalived/keepalived.conf" >"$judged"
        if grep -q '^ *include auth.conf' "$judged"; then
            # A missing or an empty file passes keepalived's test, and then there is no authentication.
            [ -s "$SECRET" ] || fail "$SECRET is missing or empty: VRRP would run without its password"
            install -m 600 "$SECRET" "$stage/etc/keepalived/auth.conf"
        fi
        if ! said=$(keepalived -t -f "$judged" 2>&1) || [[ $said == *"files missing"* ]]; then
            fail "keepalived refuses the new configuration:"$'\n'"$said"
        fi
        rm -f "$judged" "$stage/etc/keepalived/auth.conf"
        ;;
    esac
}

# --- swap, activate, probe, roll back ------------------------------------------------------------------

# Keep what is there now in $undo, and once, before our first change, in $STATE/original.
keep() {
    local path
    [ -e "$STATE/before-$service" ] || echo "$was_active" >"$STATE/before-$service"
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
    mkdir -p "$(dirname "$2")"
    cp -p "$1" "$2.havip-new"
    mv -f "$2.havip-new" "$2"
}

swap() {
    local path
    for path in "${paths[@]}"; do
        mkdir -p "$ours$(dirname "$path")"
        touch "$ours$path"
        put "$stage$path" "$path"
    done
}

roll_back() {
    local path
    for path in "${paths[@]}"; do
        if [ -e "$undo$path" ]; then
            put "$undo$path" "$path"
        else
            rm -f "$path"
        fi
    done
    systemctl daemon-reload
    if [ "$was_active" = active ]; then
        systemctl reload "$service" || systemctl restart "$service" || true
    else
        systemctl stop "$service" || true
    fi
}

# What only a restart puts into effect.
restart_lines() {
    grep -hE '^(Limit[A-Z]+|ExecStart|RuntimeDirectory|Environment|User|Type)=' "$1" 2>/dev/null || true
}

must_restart() {
    local unit=/etc/systemd/system/$service.service.d/kube-apiserver-havip.conf
    [ "$was_active" = active ] || return 0
    [ "$(restart_lines "$unit")" != "$(restart_lines "$undo$unit")" ]
}

main_pid() { systemctl show --property MainPID --value "$service"; }
workers() { pgrep -P "$(main_pid)" | sort || true; }

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

await_healthy() {
    local deadline=$(($(date +%s) + HEALTHY_WITHIN_S))
    until healthy; do
        [ "$(date +%s)" -lt "$deadline" ] || return 1
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
    rm -f "$1" "$ours$1"
    [ ! -e "$STATE/original$1" ] || put "$STATE/original$1" "$1"
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
    if [ ! -e "$unfinished" ] && same && healthy; then
        rm -rf "$stage" "$undo"
        echo "$service: unchanged and healthy"
        return
    fi
    validate
    echo "$owner" >"$STATE/owner"
    [ -e "$unfinished" ] || keep
    touch "$unfinished"
    swap
    local since
    since=$(date '+%Y-%m-%d %H:%M:%S')
    if ! activate || ! await_healthy; then
        local said
        said=$(journalctl --unit "$service" --since "$since" --no-pager --lines 20 --output cat 2>/dev/null || true)
        roll_back
        rm -f "$unfinished"
        fail "$service did not become healthy within $HEALTHY_WITHIN_S s; the old files are back. It said:"$'\n'"$said"
    fi
    prune
    rm -rf "$stage" "$undo" "$unfinished"
    echo "$service: applied and healthy"
}

# --- the password, the end ------------------------------------------------------------------------------

secret() {
    local password
    IFS= read -r password || [ -n "$password" ]
    mkdir -p "$(dirname "$SECRET")"
    (umask 077 && printf 'auth_pass %s\n' "$password" >"$SECRET.havip-new")
    mv -f "$SECRET.havip-new" "$SECRET"
    # On the first run keepalived.conf comes after this, and starts keepalived itself.
    if [ "$(systemctl is-active keepalived || true)" = active ]; then
        systemctl reload keepalived
    fi
    echo "password: stored"
}

remove() {
    local path before
    service=$1 ours=$STATE/ours/$1
    before=$(cat "$STATE/before-$service" 2>/dev/null || true)
    systemctl disable --now --quiet "$service" 2>/dev/null || true
    while IFS= read -r path; do
        restore "$path"
    done < <(our_files)
    rmdir "/etc/systemd/system/$service.service.d" 2>/dev/null || true
    systemctl daemon-reload
    [ "$before" != active ] || systemctl enable --now --quiet "$service"
    rm -rf "$ours" "$STATE/before-$service" "$STATE/unfinished-$service" "$STATE/undo/$service"
    [ "$service" != keepalived ] || rm -f "$SECRET"
    # The last service takes the rest with it.
    rmdir "$STATE/ours" 2>/dev/null && rm -rf "$STATE" "$RUNTIME"
    echo "$service: removed"
}

release() {
    local interface
    rm -f "$RUNTIME/vrrp-state"
    for interface in $(ip -o -4 address show to "$1" | awk '{ print $2 }'); do
        ip address delete "$1/32" dev "$interface" || true
    done
}

# --- main ---------------------------------------------------------------------------------------------

verb=${1:-}
shift || true
[ "$(id -u)" -eq 0 ] || fail "hostctl needs root: connect as root, or as a user with sudo"
case $verb in
packages | apply | secret | remove)
    # A run whose operator went away may still be at work.
    exec 9>"$LOCK"
    flock --wait 120 9 || fail "another run holds $LOCK for 2 minutes: see what it does (fuser $LOCK)"
    "$verb" "$@"
    ;;
release) release "$@" ;;
*) fail "usage: hostctl packages | apply | secret | remove | release" ;;
esac
