# Answers questions about the endpoint from one host; verify_asking.py appends them. Changes nothing.
# Every answer begins with a line "==== WHAT", the last line is "==== end".
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
asked=0

# ask WHAT URL: HTTP status (000: none), seconds until the TCP connection was there (0: it never was), curl's exit
# code; then what curl says. All are asked at once, each for at most 5 s.
ask() {
    local answer=$work/answer-$asked
    asked=$((asked + 1))
    {
        printf '==== ask %s\n' "$1"
        curl --silent --show-error --insecure --noproxy '*' --output /dev/null --max-time 5 \
            --write-out '%{http_code} %{time_connect} ' "$2" 2>"$answer.said" </dev/null
        echo $?
        tail -n 1 "$answer.said"
    } >"$answer" &
}

answers() {
    local number
    wait
    for ((number = 0; number < asked; number++)); do
        cat "$work/answer-$number"
    done
}

addresses() {
    echo "==== addresses"
    ip -o -4 address show | awk '{ sub("/.*", "", $4); print $4 }'
}

# The balancers that leave, as this one knows them.
leavers() {
    echo "==== leavers"
    bash "$work/hostctl" leavers
}

# check WHAT: what the stack's own hostctl, in $work, says of the text on stdin.
check() {
    printf '==== check %s\n' "$1"
    bash "$work/hostctl" check "$1" 2>&1
}
