#!/usr/bin/env bash
# Boots systemd, as process 1 of namespaces of its own over a copy of this machine's files that is
# thrown away, and does there what docs/operations/install.md says: run.sh PROGRAM.
#
# Shows what reading the unit cannot: that the program runs under every restriction in it. Changes
# nothing outside. Needs root, overlayfs and systemd; exit code 77 if this machine lacks one.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
PROGRAM=$(realpath "${1:?the program to install: run.sh PROGRAM}")
TOP=$(cd "$here/../../.." && pwd)
INIT=/lib/systemd/systemd
BOOT_SECONDS_MAX=120

skip() {
  echo "skipped: $*"
  exit 77
}

[ "$(id -u)" -eq 0 ] || skip "only root can make the namespaces"
[ -x "$INIT" ] || skip "there is no systemd at $INIT"
unshare --mount --pid --fork true 2>/dev/null || skip "namespaces cannot be made here"
grep -q overlay /proc/filesystems || skip "there is no overlayfs"

ROOM=$(mktemp -d)
trap 'rm -rf "$ROOM"' EXIT
export ROOM PROGRAM TOP INIT
code=0
timeout --kill-after=10 "$BOOT_SECONDS_MAX" \
  unshare --mount --pid --ipc --uts --net --fork "$here/boot.sh" >"$ROOM/boot" 2>&1 || code=$?
cat "$ROOM/said" 2>/dev/null || true
case $code in
  0) echo "the unit runs under $(systemctl --version | head -1)" ;;
  124 | 137) echo "systemd did not come to an end within $BOOT_SECONDS_MAX s" ;;
  *) echo "exit code $code" ;;
esac
[ "$code" -eq 0 ] || tail -30 "$ROOM/boot"
exit "$code"
