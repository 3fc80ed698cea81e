# --- a service's files, and what was at their places before -----------------------------------------------
#
# Reads: $service, $stage, $undo, $ours; $paths, the bundle's.

our_files() { find "$ours" -type f -printf '/%P\n' 2>/dev/null; }

# Whether everything staged is in its place already.
same() {
    local path
    for path in "${paths[@]}"; do
        cmp -s "$stage$path" "$path" || return 1
        [ "$(stat -c %a "$path")" = "$(stat -c %a "$stage$path")" ] || return 1
    done
}

# Keep what is there now in $undo, and once, before our first change, in $STATE/original.
keep() {
    local path
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

# Put what is staged into its place.
swap() {
    local path
    for path in "${paths[@]}"; do
        cmp -s "$stage$path" "$path" || forget_metric "$path"
        mkdir -p "$ours$(dirname "$path")" && touch "$ours$path" && put "$stage$path" "$path" || return 1
    done
    renew_metric
}

# Put what `keep` kept into its place again; whatever fails, the rest comes back.
swap_back() {
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
}

# Files of an earlier bundle that are not in this one.
prune() {
    local path
    while IFS= read -r path; do
        [ -e "$stage$path" ] || restore "$path"
    done < <(our_files)
}

restore() { # what was at this path before our first change, or nothing
    forget_metric "$1"
    rm -f "$1" "$ours$1"
    [ ! -e "$STATE/original$1" ] || put "$STATE/original$1" "$1"
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
