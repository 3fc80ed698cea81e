# --- SELinux -------------------------------------------------------------------------------------------
#
# Red Hat's policy lets HAProxy use a few ports only, and keepalived run no scripts but labelled ones. Reads: $service.

permit_selinux() {
    enforced || return 0
    case $service in
    haproxy) setsebool -P haproxy_connect_any on || { echo "SELinux does not let HAProxy use its ports" >&2 && return 1; } ;;
    keepalived) setsebool -P keepalived_connect_any on 2>/dev/null || true ;;
    esac
}

label_scripts() {
    [ "$service" = keepalived ] && enforced || return 0
    chcon --type keepalived_unconfined_script_exec_t /etc/keepalived/*.sh "$LIBRARY/vrrp-notify" 2>/dev/null || true
}

enforced() { [ "$(getenforce 2>/dev/null || true)" = Enforcing ]; }
