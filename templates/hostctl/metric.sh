# --- VRRP's state as a metric ---------------------------------------------------------------------------
#
# keepalived calls at a transition only. The file also has to be right when its directory changes, when keepalived dies,
# and when nobody will write it any more. No failure of it counts: it is not what the host is for.

forget_metric() { # forget_metric PATH: what is at PATH is about to be replaced or removed
    [ "$1" != "$METRIC" ] || [ ! -e "$METRIC" ] || bash "$METRIC" forget || true
}

renew_metric() { [ ! -e "$METRIC" ] || bash "$METRIC" || true; }
