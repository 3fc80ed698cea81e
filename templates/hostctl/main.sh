# --- main ---------------------------------------------------------------------------------------------

# The head of this file, which is where a verb is told.
usage() { sed -n '/^#   hostctl /,/^#$/s/^#   //p' "$0"; }

verb=${1:-}
shift || true
[ "$(id -u)" -eq 0 ] || fail "hostctl needs root: connect as root, or as a user with sudo"
case $verb in
packages | apply | secret | join | retire | hand-back | forget-leavers)
    # A run whose operator went away may still be at work.
    (umask 077 && : >>"$LOCK") # whoever can open it can hold it
    exec 9>"$LOCK"
    flock --wait 120 9 || fail "$LOCK has been held by another run for over 2 minutes: see what it does (fuser $LOCK)"
    "${verb//-/_}" "$@"
    ;;
may | hand-over | release | hang-up | check | heard | await-turn | leavers) "${verb//-/_}" "$@" ;;
*) fail "usage:"$'\n'"$(usage)" ;;
esac
