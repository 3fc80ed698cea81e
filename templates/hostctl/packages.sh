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
