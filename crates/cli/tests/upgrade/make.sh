#!/usr/bin/env bash
# Makes a data folder, and what left the house with it, with a build of Counterfoil that is to be
# upgraded from. The test `upgrade` opens it with the present build.
#
#     make.sh COUNTERFOIL ARCHIVE     the program of that build; where the .tar.zst goes
#
# Run once for each build that people have; the archives are kept as they are, never made anew.
# Journal files are 64 MiB of mostly zeros, of which zstd leaves a few KiB.
set -euo pipefail

counterfoil=$(realpath "$1")
archive=$(realpath "$2")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir saved
export COUNTERFOIL_CONTEXTS=$folder/contexts.toml
unset COUNTERFOIL_TOKEN COUNTERFOIL_URL

cat > config.toml <<'TOML'
listen = "127.0.0.1:0"
origin = "log.example"

[[log]]
name = "default-0"
tenant = "default"

[[log]]
name = "open-0"
tenant = "open"
public = true
TOML

serve() {
  : > out
  "$counterfoil" serve --config config.toml --data data > out &
  server=$!
  until grep -q '^counterfoil serves' out; do kill -0 "$server" && sleep 0.1; done
  url=$(sed -n 's/^counterfoil serves //p' out)
}

as() {
  local tenant=$1
  shift
  "$counterfoil" "$@" --url "$url" --token "$(cat "data-keys/first-token-$tenant")"
}

# Events of every shape that a journal holds: with and without an id, alone and many at once, one
# whose id comes again with other content, one from a foreign source with a credential in it.
python3 - <<'PY'
import json

def event(n, **more):
    return {"id": f"old-{n}", "action": "invoice.delete", "verb": "delete",
            "actor": {"type": "user", "id": f"user-{n % 7}"},
            "service": {"name": "billing"}, "occurred_at": f"2026-01-02T03:{n % 60:02}:05.5Z",
            "outcome": {"result": "failure" if n % 5 == 0 else "success"},
            "resources": [{"role": "target", "type": "invoice", "id": str(n)}],
            "correlation": {"trace_id": f"{n // 10 + 1:032x}", "span_id": f"{n + 1:016x}"},
            "attributes": {"text": "é \" \\ \u2028" * (n % 3), "number": n / 4, "empty": {}}} | more

def write(name, events):
    with open(f"saved/{name}", "w") as file:
        file.writelines(json.dumps(e, ensure_ascii=False) + "\n" for e in events)

write("many.ndjson", [event(n) for n in range(200)])
write("again.ndjson", [event(7, action="invoice.create", verb="create")])
nameless = event(0)
del nameless["id"]
write("nameless.ndjson", [nameless])
write("later.ndjson", [event(n) for n in range(200, 260)])
write("open.ndjson", [event(n, service={"name": "site"}) for n in range(20)])
audit = {"kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "RequestResponse",
         "auditID": "8f2b7a3c-1d94-4a64-9d5e-4be1d8a4f1aa", "stage": "ResponseComplete",
         "requestURI": "/api/v1/namespaces/pay/secrets/card", "verb": "create",
         "user": {"username": "system:serviceaccount:pay:deployer"},
         "objectRef": {"resource": "secrets", "namespace": "pay", "name": "card",
                       "apiVersion": "v1"},
         "responseStatus": {"code": 201},
         "requestObject": {"kind": "Secret", "data": {"number": "NDExMQ=="}},
         "requestReceivedTimestamp": "2026-01-02T03:04:05.000001Z",
         "stageTimestamp": "2026-01-02T03:04:05.100001Z"}
write("kubernetes.ndjson", [audit])
PY

serve
as default send saved/many.ndjson --receipts saved/many.receipts
as default send saved/nameless.ndjson
as default send saved/again.ndjson
as open send saved/open.ndjson --receipts saved/open.receipts
# Killed: what the next start copies is part of a folder's life.
kill -KILL "$server"
wait "$server" || true

serve
as default send --format kubernetes saved/kubernetes.ndjson --receipts saved/kubernetes.receipts
as default send saved/later.ndjson --receipts saved/later.receipts
as default token create old-reader --role reader > saved/reader.token
as default key export > saved/default.key
as open key export > saved/open.key
as default verify "$url" --log default-0 -k saved/default.key --remember saved/default.checkpoint
as open verify "$url" --log open-0 -k saved/open.key --remember saved/open.checkpoint
as default receipt old-7 > saved/proof.txt
as default evidence old-5 old-255 --name /actor --hide /attributes > saved/some.evidence.json
as default evidence --range default-0/0..40 > saved/range.evidence.json
as default search '' -n 1000 --oldest --json > saved/default.json
as open search '' -n 1000 --oldest --json > saved/open.json
kill -TERM "$server"
wait "$server"

tar --format=ustar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 \
  -cf - config.toml data data-keys saved | zstd -q -19 --long=27 -f -o "$archive"
ls -l data/journal saved "$archive"
