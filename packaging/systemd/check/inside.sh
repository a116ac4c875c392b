#!/usr/bin/env bash
# Under the booted systemd: installs the service as the page says, then asks of it what an operator
# relies on. Ends with the first thing that is not so.
set -euo pipefail

cd /srv/checkout
SERVICE=counterfoil
URL=http://127.0.0.1:8420

ok() {
  echo "  ok      $*"
}

fail() {
  echo "  FAILED  $*"
  systemctl status "$SERVICE" --no-pager --full || true
  exit 1
}

# is WHAT EXPECTED FOUND
is() {
  [ "$2" = "$3" ] || fail "$1: expected '$2', found '$3'"
  ok "$1"
}

property() {
  systemctl show --property "$1" --value "$SERVICE"
}

# ask URL OPTION…: the answer stands in /srv/answer, its status on standard output
ask() {
  curl --silent --max-time 10 --output /srv/answer --write-out '%{http_code}' \
    --header "authorization: Bearer ${token:-}" "$@" || true
}

ready() {
  ask "$URL/readyz"
}

# The commands that the page shows, as they stand there.
awk '/^## /{ here = /^## A service of systemd/ } here && /^```/{ n++ } here && n == 1 && !/^```/' \
  docs/operations/install.md >/srv/install.sh
grep -q 'systemctl enable --now' /srv/install.sh || fail "the page's commands were not found"
bash -e /srv/install.sh || fail "a command of the page"
ok "the commands of docs/operations/install.md"

is "active once writes are accepted" active "$(systemctl is-active $SERVICE)"
is "it says so itself" 200 "$(ready)"
pid=$(property MainPID)
is "the process is the service's user's" counterfoil "$(stat -c %U "/proc/$pid")"
for folder in /var/lib/counterfoil /var/lib/counterfoil-keys; do
  is "$folder is that user's alone" "700 counterfoil" "$(stat -c '%a %U' "$folder")"
done
is "it has no capability" 0000000000000000 "$(awk '/CapEff/{ print $2 }' "/proc/$pid/status")"

token=$(cat /var/lib/counterfoil-keys/first-token-default)
cat >/srv/event.json <<'EVENT'
{"action":"unit.check","actor":{"type":"user","id":"ops"},"service":{"name":"check"},
 "occurred_at":"2026-01-02T03:04:05Z"}
EVENT
sent=$(ask "$URL/v1/events" --header 'content-type: application/json' --data @/srv/event.json)
is "it takes an event under the unit's restrictions" 200 "$sent"

systemctl reload "$SERVICE" || fail "reload"
is "a reload keeps the process" active "$(systemctl is-active $SERVICE)"

before=$(property MainPID)
kill -KILL "$before"
for _ in $(seq 100); do
  [ "$(property MainPID)" != "$before" ] && [ "$(ready)" = 200 ] && break
  sleep 0.2
done
is "killed, it comes back" "200 1" "$(ready) $(property NRestarts)"
is "it lists what it has" 200 "$(ask "$URL/v1/events?q=action:unit.check")"
grep -q unit.check /srv/answer || fail "the event is gone: $(cat /srv/answer)"
ok "and has what it had acknowledged"

systemctl stop "$SERVICE"
is "a stop ends in order" "success 0" "$(property Result) $(property ExecMainStatus)"

echo 'listen = "nowhere"' >>/etc/counterfoil/counterfoil.toml
systemctl start "$SERVICE" 2>/dev/null && fail "a wrong configuration starts"
is "nor is it tried again" "failed 2" "$(property ActiveState) $(property ExecMainStatus)"
