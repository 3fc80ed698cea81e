# --- trying out HAProxy's checks -------------------------------------------------------------------------
#
# A valid configuration may still find no kube-apiserver ready: its check asks for a wrong path, status or port, or
# trusts another CA. Once in force it would end all service, here and then on the next host. So a HAProxy beside the one
# that serves makes its checks first. They decide only if those of the present files succeed: what is broken anyway, or
# has no kube-apiserver yet, is no reason to refuse what may mend it.
#
# Reads: $stage, $undo, $ours, $unfinished; what `standing` reads.

try_out() {
    local new=$stage$HAPROXY_CFG old=$HAPROXY_CFG found
    # After a run that was killed, what is in place has never been in force.
    [ ! -e "$unfinished" ] || old=$undo$old
    # Somebody else's, for other servers, says nothing about these.
    [ -e "$ours$HAPROXY_CFG" ] || servers_of "$new" | grep -qFf - "$old" 2>/dev/null || return 0
    # The second time for checks that failed by chance.
    if finds_ready "$new" >/dev/null || ! finds_ready "$old" >/dev/null || found=$(finds_ready "$new"); then return; fi
    fail "HAProxy would find no kube-apiserver ready under the new configuration, and does under the present one;" \
        "nothing was changed. See health_check and the backends' addresses and ports. Its checks:"$'\n'"$found"$'\n'"$(standing)"
}

servers_of() { awk '$1 == "server" { print $3 }' "$1"; }

# Whether the checks of a haproxy.cfg find any server ready; says what they said of each.
finds_ready() { # finds_ready FILE
    local trial=$stage/trial pid status=1 said found=""
    [ -e "$1" ] || return 1
    checks_only "$1" "$trial.sock" >"$trial.cfg"
    # HAProxy's own timeouts end every check; the limit is for a run that is killed, and for absurd ones.
    timeout 60 haproxy -q -db -f "$trial.cfg" </dev/null >/dev/null 2>&1 9>&- &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
        sleep 0.1
        said=$(curl --silent --max-time 2 --unix-socket "$trial.sock" 'http://trial/;csv;norefresh' | checks_said) || continue
        found=$said
        if grep -qE '^[^ ]+: (\* )?L[467]OK( |$)' <<<"$found"; then
            status=0
            break
        fi
        # INI and UNK: not checked yet.
        grep -qE '^[^ ]+: (\* )?(INI|UNK)( |$)' <<<"$found" || break
    done
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
    rm -f "$trial.cfg" "$trial.sock"
    echo "$found"
    return "$status"
}

# What of a haproxy.cfg makes the checks, each once and at once; its statistics are on a socket.
checks_only() { # checks_only FILE SOCKET
    awk -v socket="$2" '
        BEGIN { print "global\n    maxconn 100\n    max-spread-checks 1" }
        /^[a-z]/ { wanted = $1 == "defaults" || $1 == "backend" }
        ! wanted || $1 == "load-server-state-from-file" { next }
        $1 == "server" { print "    default-server fastinter 1h downinter 1h" }
        { print }
        END { print "frontend trial\n    mode http\n    bind unix@" socket "\n    stats enable\n    stats uri /" }' "$1"
}

# "SERVER: STATUS CODE TEXT" of every server in HAProxy's statistics.
checks_said() {
    awk -F , '
        NR == 1 { sub(/^# /, ""); for (field = 1; field <= NF; field++) at[$field] = field; next }
        NF && $at["svname"] !~ /^(FRONTEND|BACKEND)$/ {
            line = $at["svname"] ": " $at["check_status"] " " $at["check_code"] " " $at["last_chk"]
            gsub(/ +/, " ", line)
            print line
        }'
}
