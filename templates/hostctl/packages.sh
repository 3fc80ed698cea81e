# --- packages ----------------------------------------------------------------------------------------
#
# A wanted package is NAME, or NAME=VERSION; a * in VERSION stands for anything. With dnf and yum NAME-VERSION, their own
# way to say it, is understood too.

HOLD_NAME=kube-apiserver-havip-packages.conf
POLICY=/usr/sbin/policy-rc.d
RPM_VERSIONS='%{VERSION}\n%{VERSION}-%{RELEASE}\n%{EPOCHNUM}:%{VERSION}-%{RELEASE}\n'

manager() {
    local candidate
    for candidate in apt-get dnf yum; do
        ! command -v "$candidate" >/dev/null || { echo "$candidate" && return; }
    done
}

# The version of an installed package, in every way it may be wanted.
versions_of() {
    local found
    if [ "$(manager)" = apt-get ]; then
        dpkg-query -W -f '${db:Status-Status} ${Version}\n' "$1" 2>/dev/null | sed -n 's/^installed //p'
    # By what is provided: curl-minimal is a curl, and the two exclude each other. NAME-VERSION nobody provides.
    elif found=$(rpm -q --whatprovides --queryformat "$RPM_VERSIONS" "$1" 2>/dev/null) ||
        found=$(rpm -q --queryformat "$RPM_VERSIONS" "$1" 2>/dev/null); then
        echo "$found"
    fi
}

installed() {
    local found wanted="*"
    [[ $1 != *=* ]] || wanted=${1#*=}
    while IFS= read -r found; do
        # An unquoted pattern: a * matches.
        # shellcheck disable=SC2053
        [[ $found != $wanted ]] || return 0
    done < <(versions_of "${1%%=*}")
    return 1
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
    [[ $(cloud-init status 2>/dev/null) != *running* ]] ||
        fail "cloud-init is still at work after $1 s, so nothing was installed: see cloud-init status --long"
}

# Packages start their services, Debian's at the first installation and both kinds after an upgrade: with a
# configuration that is not ours, or the balancers all at once. A running service keeps its old program until hostctl's
# next step, on one host after the other. Should this run be killed, what it leaves ends with it or is removed by the next.
hold_services() {
    local service place
    trap release_services EXIT
    case $(manager) in
    apt-get)
        [ ! -e $POLICY ] || grep -q kube-apiserver-havip $POLICY || return 0
        {
            echo '#!/bin/sh'
            echo '# kube-apiserver-havip, while it installs packages: other services may do as they like'
            echo 'case $* in *haproxy* | *keepalived*) ;; *) exit 0 ;; esac'
            # One that was killed has no program any more, though nobody may have taken notice of its end.
            echo "[ ! -e /proc/$$/exe ] || exit 101"
        } >$POLICY
        chmod 755 $POLICY
        ;;
    *)
        for service in haproxy keepalived; do
            place=/run/systemd/system/$service.service.d
            mkdir -p "$place"
            printf '[Unit]\nRefuseManualStart=yes\nRefuseManualStop=yes\n' >"$place/$HOLD_NAME"
        done
        systemctl daemon-reload
        ;;
    esac
}

release_services() {
    local held=no file
    ! grep -qs kube-apiserver-havip $POLICY || rm -f $POLICY
    for file in /run/systemd/system/{haproxy,keepalived}.service.d/$HOLD_NAME; do
        [ ! -e "$file" ] || { rm -f "$file" && rmdir --ignore-fail-on-non-empty "$(dirname "$file")" && held=yes; }
    done
    [ "$held" = no ] || systemctl daemon-reload
}

install_once() {
    # needrestart, of Ubuntu, would restart services by itself.
    export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 NEEDRESTART_MODE=l
    local older apt=(apt-get -qq --yes -o DPkg::Lock::Timeout=5 -o Dpkg::Options::=--force-confold)
    case $(manager) in
    apt-get)
        dpkg --configure -a && "${apt[@]}" update &&
            "${apt[@]}" install --no-install-recommends --allow-downgrades "$@"
        ;;
    dnf) dnf --assumeyes --setopt=exit_on_lock=True install "${@//=/-}" ;;
    yum)
        yum --assumeyes --setopt=exit_on_lock=1 install "${@//=/-}"
        # It never goes back by itself.
        mapfile -t older < <(missing "$@")
        [ "${#older[@]}" -eq 0 ] || yum --assumeyes --setopt=exit_on_lock=1 downgrade "${older[@]//=/-}"
        ;;
    *)
        echo "this host has none of apt-get, dnf and yum: install $* by other means, packages.install false"
        return 1
        ;;
    esac
}

# Whether the log tells that asking again is of no use: every source answered, and what they have will not do.
hopeless() {
    local certain="^E: (Version|Unable to locate|Package .* has no installation)|held packages|unmet dependencies"
    certain+="|^No (match|package)|^ *(Problem|- nothing provides)|none of apt-get"
    grep -qE "$certain" "$1" &&
        ! grep -qiE "failed to (fetch|download|synchronize)|could not resolve|cannot (download|prepare)|ignoring repo" "$1"
}

# Who keeps the package manager from its work, if the log says so.
lock_holder() {
    local pid
    pid=$(grep -i lock "$1" | sed -nE 's/.*(process|pid|locked by) ([0-9]+).*/\2/p' | tail -n 1)
    [ -z "$pid" ] || echo "the package manager's lock is held by $(cat "/proc/$pid/comm" 2>/dev/null || echo a process) (pid $pid). "
}

packages() {
    local bound=$1 deadline log wanted
    shift
    deadline=$(($(uptime_s) + bound))
    release_services
    mapfile -t wanted < <(missing "$@")
    if [ "${#wanted[@]}" -eq 0 ]; then
        echo "packages: already there"
        return
    fi
    await_cloud_init "$bound"
    remember_enabled
    log=$(mktemp)
    hold_services
    # Another package manager at work, or a mirror that is not reachable yet, is worth another try.
    until install_once "${wanted[@]}" >"$log" 2>&1 </dev/null 9>&- && [ -z "$(missing "$@")" ]; do
        if hopeless "$log" || [ "$(uptime_s)" -ge "$deadline" ]; then
            local said
            said="$(lock_holder "$log")$(manager) said:"$'\n'"$(tail -n 15 "$log")"
            rm -f "$log"
            fail "could not install ${wanted[*]} (waited $(($(uptime_s) - deadline + bound)) of $bound s): $said"
        fi
        sleep 2
    done
    rm -f "$log"
    echo "packages: installed ${wanted[*]}"
}
