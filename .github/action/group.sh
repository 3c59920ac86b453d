#!/usr/bin/env bash
# Runs a command alone in a control group (version 2) that is handed over to the user: group.sh COMMAND [ARGUMENT]…
# The group is made and removed with `sudo`; the command runs as the user. If no group can be made, the reason is a
# warning and the command runs where it is.
set -uo pipefail

own=$(sed -n 's/^0:://p' /proc/self/cgroup 2>/dev/null)
if [ -z "$own" ] || ! [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    # memguard itself says what a system without version 2 needs.
    exec "$@"
fi

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo -n "$@"
    fi </dev/null
}

# Makes the group and prints its folder. A group that holds processes can have none below it, so the new one
# lies beside the one of this shell, with the same limits.
make='
set -eu
own=/sys/fs/cgroup${2%/}
parent=/sys/fs/cgroup${2%/*}
grep -qw memory "$parent/cgroup.subtree_control" || echo +memory >"$parent/cgroup.subtree_control"
group=$(mktemp -d "$parent/memguard-XXXXXX")
trap "rmdir \"$group\"" EXIT
for limit in memory.high memory.max memory.swap.max cpu.max pids.max; do
    if [ -e "$own/$limit" ] && [ -e "$group/$limit" ]; then
        cat "$own/$limit" >"$group/$limit"
    fi
done
chmod 755 "$group"
chown "$1" "$group" "$group/cgroup.procs" "$group/cgroup.subtree_control" "$group/cgroup.threads"
trap - EXIT
echo "$group"
'
# Processes are left in the group only if memguard was killed.
remove='
echo 1 >"$1/cgroup.kill"
for attempt in 1 2 3 4 5 6 7 8 9 10; do
    find "$1" -depth -type d -exec rmdir {} + 2>/dev/null
    [ -e "$1" ] || exit 0
    sleep 0.1
done
exit 1
'
enter='echo "$1" >"$2/cgroup.procs"'

warn() {
    echo "::warning title=memguard::$1"
}

if ! made=$(as_root sh -c "$make" sh "$(id -u)" "$own" 2>&1); then
    warn "no control group could be made for the source \`cgroup\`: ${made//$'\n'/; }. It takes root, or \`sudo\` without a password"
    exec "$@"
fi
# `sudo` may print warnings before it.
group=${made##*$'\n'}
trap 'as_root sh -c "$remove" sh "$group" || warn "the control group $group could not be removed"' EXIT
(
    as_root sh -c "$enter" sh "$BASHPID" "$group" || warn "the control group $group could not be entered"
    exec "$@"
)
