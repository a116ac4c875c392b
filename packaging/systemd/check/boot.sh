#!/usr/bin/env bash
# Inside the new namespaces: a root folder that reads this machine's files and writes to memory,
# then systemd in this process's place. Called by run.sh.
set -euo pipefail

mount --make-rprivate /
layers=$(mktemp -d)
mount -t tmpfs tmpfs "$layers"
mkdir "$layers"/{upper,work,root}
mount -t overlay overlay "$layers/root" \
  -o "lowerdir=/,upperdir=$layers/upper,workdir=$layers/work"
cd "$layers/root"
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp

# Not below /tmp: systemd clears that as it boots.
mkdir -p srv/checkout srv/room
cp "$PROGRAM" srv/checkout/counterfoil
cp -r "$TOP/packaging" "$TOP/docs" srv/checkout/
# What is said inside outlives it.
mount --bind "$ROOM" srv/room

# The machine's own services are none of ours: one target, one unit.
cat >etc/systemd/system/check.service <<'UNIT'
[Unit]
Requires=basic.target dbus.service
After=basic.target dbus.service
[Service]
Type=oneshot
ExecStart=/bin/bash /srv/checkout/packaging/systemd/check/inside.sh
StandardOutput=append:/srv/room/said
StandardError=append:/srv/room/said
ExecStopPost=/bin/sh -c 'systemctl exit "$EXIT_STATUS"'
UNIT

mkdir -p old
pivot_root . old
umount -l /old
exec env -i container=check PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  "$INIT" --system --unit=check.service --log-target=console
