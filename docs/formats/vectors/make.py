#!/usr/bin/env python3
"""Writes the vectors of docs/formats. Standard library only, the same bytes on every run.

  python3 make.py           writes the files
  python3 make.py --check   writes nothing, fails if a file on disk differs, lacks or is left over

The hashes that the text of the formats publishes are asserted here: if one does not come out,
nothing is written.
"""

import json
import sys
from pathlib import Path

sys.dont_write_bytecode = True  # importing must leave no folder behind that --check would find

import build  # noqa: E402
import cases  # noqa: E402

HERE = Path(__file__).resolve().parent
ORIGIN = "audit.example.com/tlog/acme-0"
TIME = 1767323045000000007
V1_EVENT = (
    '{"id":"01890a5d-ac96-774b-bcce-b302099a8057","action":"invoice.delete",\n'
    ' "actor":{"type":"user","id":"alice"},"service":{"name":"billing"},'
    '"occurred_at":"2026-01-02T03:04:05.000000006Z","attributes":{"a/b~c":["x",{"0":1.50}],'
    '"empty":{},"none":null,"u":"\\u00e9\\u2028\\"\\u001f"}}'
)
V1_DIGEST = "8c8d2ec5b235bcf44852a7c8b4b3a1537cf37a6e6d1d08e718bcba28736f2f6d"
V1_LEAF_HASH = "9c548f4734abccbdc3c84e0018be59805218e5820b359c24b4a18bc79c5a56b9"
V3_VKEY = f"{ORIGIN}+fc0f7e8b+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
V3_LINE = (f"\u2014 {ORIGIN} /A9+iz8tHpVWlz1l6la8vhENJEzXPOoVVP5Gny/os4JEqfTM/ilpMc1elH7B/"
           "AxkqAqupKDnp9i+kZPtgM9NQJVHFwE=\n")


def main():
    files = {**hash_vectors(), **cases.files()}
    if sys.argv[1:] == ["--check"]:
        return check(files)
    if sys.argv[1:]:
        print(__doc__)
        return 2
    (HERE / "verdicts").mkdir(exist_ok=True)
    for stale in set(on_disk()) - set(files):
        (HERE / stale).unlink()
    for name, data in files.items():
        (HERE / name).write_bytes(data)
    print(f"{len(files)} files, {sum(map(len, files.values()))} bytes")
    return 0


def check(files):
    disk = on_disk()
    wrong = [f"{name}: lacks" for name in files if name not in disk]
    wrong += [f"{name}: left over" for name in disk if name not in files]
    wrong += [f"{name}: differs" for name in files if name in disk and disk[name] != files[name]]
    print("\n".join(wrong) if wrong else f"{len(files)} files are as generated")
    return 1 if wrong else 0


def on_disk():
    paths = [*HERE.glob("*.json"), *(p for p in (HERE / "verdicts").glob("*") if p.is_file())]
    return {str(path.relative_to(HERE)): path.read_bytes() for path in paths}


def hash_vectors():
    v3, v3b = trees_of_three_and_four()
    vectors = {"v1": vector_1(), "v2": vector_2(), "v3": v3, "v3b": v3b, "v4": vector_4(),
               "numbers": numbers(), "trees": trees(), "frame": frames()}
    return {f"{name}.json": json_file(vector) for name, vector in vectors.items()}


def json_file(value):
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def expect(got, published):
    assert got.startswith(published), f"published {published}, computed {got}"


# ---- V1 to V4 ------------------------------------------------------------------------------------


def digested(event_json):
    """Fields, event digest and leaf of an event, with the salts that these vectors use."""
    fields = []
    for path, text in build.flatten(event_json):
        salt = build.sha256(b"counterfoil vector 1" + build.path_text(path).encode())[:16]
        c = build.commitment(salt, text)
        fields.append({"path": build.path_text(path), "text": text, "salt": salt.hex(),
                       "commitment": c.hex(), "digest": build.field_digest(c, path).hex()})
    digest = build.event_digest(ORIGIN, [bytes.fromhex(f["digest"]) for f in fields])
    leaf = build.leaf_data(TIME, digest)
    return {"fields": fields, "event_digest": digest.hex(), "leaf_data": leaf.hex(),
            "leaf_hash": build.Tree([leaf]).root().hex()}


def vector_1():
    result = digested(V1_EVENT)
    by_path = {f["path"]: f for f in result["fields"]}
    actor = by_path['["actor","id"]']
    expect(str(len(by_path)), "11")
    expect(actor["salt"], "543f6a782065a3f3d398b934da4c462e")
    expect(actor["commitment"], "6c0ba45ae23312ea2d99e27bbaf4b6239cc67372c11d4c333b5ce5a7cbbc8ecf")
    expect(actor["digest"], "c585e37701f561042b637b00443d2731a21e467ee5a53ef9ae3e9ecb171560e1")
    number = by_path['["attributes","a/b~c",1,"0"]']
    expect(number["text"], "1.5")
    expect(number["digest"], "77a0e9577d1281bd01d6f43db9e786225444e3e442ae9f849fe24b7e3b468587")
    order = sorted(result["fields"], key=lambda f: f["digest"])
    expect(order[0]["path"] + order[0]["digest"], '["attributes","a/b~c",0]1749037f')
    expect(order[-1]["path"] + order[-1]["digest"], '["occurred_at"]fd75a04f')
    expect(result["event_digest"], V1_DIGEST)
    expect(result["leaf_data"], "011886caf21c963207" + V1_DIGEST)
    expect(result["leaf_hash"], V1_LEAF_HASH)
    return {"what": "One event, from its JSON to its leaf. Fields stand in the order of their path "
                    "texts; the event digest takes their digests in ascending order.",
            "salt_rule": 'first 16 bytes of SHA-256("counterfoil vector 1" \u2016 path text)',
            "origin": ORIGIN, "recorded_at": str(TIME), "event_json": V1_EVENT, **result}


def vector_2():
    salt, text = bytes(16), '"a"'
    fields = []
    for path in (("x", 0), ("x", "0")):
        c = build.commitment(salt, text)
        fields.append({"path": build.path_text(path), "text": text, "salt": salt.hex(),
                       "commitment": c.hex(), "digest": build.field_digest(c, path).hex()})
    expect(fields[0]["digest"], "8d3c1e062d0ab59052b78b79e153ef5e0667858d7ae3c8907c0e8f100ce940c9")
    expect(fields[1]["digest"], "6dcc4a4ef3cef647fb0ec6cc985ea02da68a2490552748b74c148ab6c9d77073")
    return {"what": "An index and a key of the same spelling are different paths.",
            "fields": fields}


def trees_of_three_and_four():
    first = build.leaf_data(TIME, bytes.fromhex(V1_DIGEST))
    leaves = [first] + [build.leaf_data(TIME + i, build.sha256(letter))
                        for i, letter in enumerate([b"b", b"c", b"d"], 1)]
    three, four = build.Tree(leaves[:3]), build.Tree(leaves)
    expect(three.root().hex(), "cc0ed0bedf36704317984e305935ca5d5025120f44287bf99ec4508451a985ac")
    expect(four.root().hex(), "74f30e78fd8059afbbf4f95293f1aab38fa7535b0e042d52a5d782369566c26f")
    key = build.Key(ORIGIN, bytes(range(32)))
    text = build.body(ORIGIN, 3, three.root())
    expect(key.vkey, V3_VKEY)
    expect(key.line(text), V3_LINE)
    v3 = tree_vector(three, [(0, 1), (1, 3), (0, 3)])
    v3b = tree_vector(four, [(2, 3), (1, 3), (0, 4)])
    expect(" ".join(v3["runs"][0]["proof"]),
           "659246e5802ff10f1c94c88b2dd56257094b8350cf27ff21b6a1baf792ff03ed "
           "bb56d41490dd263e19029f47769841a7a74227cd5e6986ff71a23e181ab44ba1")
    expect(" ".join(v3["runs"][1]["proof"]), V1_LEAF_HASH)
    expect(" ".join(v3b["runs"][0]["proof"]),
           "377c9e39a82d44a34fab4f9ff2448719f89db71a7fb7d5553984da1967c74ac2 "
           "4c7b5cc15eecf14b7ad604c34c49336a323d222273d5fba4da532bbbd1399b43")
    assert v3b["runs"][0]["tlog_proof"] == v3b["runs"][0]["proof"][::-1]
    signed = {"seed": bytes(range(32)).hex(), "vkey": key.vkey,
              "checkpoint": text + "\n" + key.line(text)}
    return ({"what": "A tree of three leaves, its runs, and its signed checkpoint.", **v3,
             **signed},
            {"what": "A fourth leaf. For one leaf, tlog_proof has the hashes of proof in the order "
                     "of c2sp.org/tlog-proof@v1: from the leaf's sibling upwards.", **v3b})


def tree_vector(tree, runs):
    listed = []
    for first, end in runs:
        run = {"first": first, "end": end, "proof": hexes(tree.run_proof(first, end))}
        if end == first + 1:
            run["tlog_proof"] = hexes(tree.audit_path(first, len(tree.leaves)))
        listed.append(run)
    return {"leaves": hexes(tree.leaves), "root": tree.root().hex(), "runs": listed}


def hexes(items):
    return [item.hex() for item in items]


V4_SENT = """{
 "id": "01890A5D-AC96-774B-BCCE-B302099A8058",
 "kind": "data_change",
 "action": "invoice.update",
 "verb": "update",
 "occurred_at": "2026-01-02T04:04:05.25+01:00",
 "outcome": {"result": "success", "message": null},
 "actor": {"type": "user", "id": "Al\\u0069ce", "on_behalf_of": []},
 "resources": [
  {"role": "target", "type": "invoice", "id": "INV-7",
   "changes": [{"path": "/total", "before": 1.50, "after": null}]}
 ],
 "service": {"name": "billing"},
 "request": {"bytes": 512},
 "correlation": {"trace_id": "4BF92F3577B34DA6A3CE929D0E0E4736", "span_id": "00F067AA0BA902B7",
                 "correlation_id": "ORDER-7"},
 "attributes": {"password": {"old": "hunter1", "new": "hunter2"}, "rate": 1E-7, "a\\/b": -0.0}
}"""
V4_RECORDED = """{
 "id": "01890a5d-ac96-774b-bcce-b302099a8058",
 "kind": "data_change",
 "action": "invoice.update",
 "verb": "update",
 "occurred_at": "2026-01-02T03:04:05.250000000Z",
 "outcome": {"result": "success"},
 "actor": {"type": "user", "id": "Alice", "on_behalf_of": []},
 "resources": [
  {"role": "target", "type": "invoice", "id": "INV-7",
   "changes": [{"path": "/total", "before": 1.5, "after": null}]}
 ],
 "service": {"name": "billing"},
 "request": {"bytes": 512},
 "correlation": {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "span_id": "00f067aa0ba902b7",
                 "correlation_id": "ORDER-7"},
 "attributes": {"password": "[redacted]", "rate": 1e-7, "a/b": 0},
 "recorded": {"identity": {"kind": "token", "id": "billing"}, "policy": "builtin/1",
              "redacted": ["[\\"attributes\\",\\"password\\"]"]}
}"""


def vector_4():
    return {"what": "A whole event as sent and as recorded. Admission lower-cases id, trace_id and "
                    "span_id (and nothing else), turns the time to UTC with nine digits, drops the "
                    "null member of outcome but keeps the null of free JSON and the empty array, "
                    "writes numbers in one way, replaces the redacted container by one string, and "
                    "adds recorded. The recorded event is what is digested.",
            "salt_rule": 'first 16 bytes of SHA-256("counterfoil vector 1" \u2016 path text)',
            "redact": ['["attributes","password"]'], "origin": ORIGIN, "recorded_at": str(TIME),
            "sent_json": V4_SENT, "recorded_json": V4_RECORDED, **digested(V4_RECORDED)}


# ---- Numbers and trees ---------------------------------------------------------------------------

ACCEPTED = """0 -0 -0.0 0.0 0e5 -0E-9 1 -1 1.0 1.50 1.5e0 100e0 1.0e1 1E2 2e-3 5e-1 0.1 -0.1
1e21 1e20 123e18 1E30 -1e21 1e-7 1e-6 1e-5 -1e-7 0.0000001 0.000001 0.00001 0.1e-5 1.25e-7
5e-324 -5e-324 3e-324 2e-324 2.2250738585072014e-308 1.7976931348623157e308
9007199254740991 -9007199254740991 9007199254740992.0 9007199254740993.0 9007199254740993e0
295147905179352825856.0 999999999999999900000.0 1e23 9.999999999999997e22 333333333.33333329
4.35 0.3e0 123456.789e3 6.02214076e23 1.1e+1""".split()
REFUSED = {
    "9007199254740992": "an integer beyond 2^53-1", "-9007199254740992": "an integer beyond 2^53-1",
    "18446744073709551615": "an integer beyond 2^53-1", "1e309": "no finite double is near",
    "-1e400": "no finite double is near", "1.7976931348623159e308": "no finite double is near",
    "01": "not a JSON number", "+1": "not a JSON number", ".5": "not a JSON number",
    "1.": "not a JSON number", "1e": "not a JSON number", "0x10": "not a JSON number",
    "NaN": "not a JSON number", "Infinity": "not a JSON number", "-": "not a JSON number",
    "1_000": "not a JSON number",
}
PUBLISHED = {"1e21": "1e+21", "1e-7": "1e-7", "1e-5": "0.00001", "1.50": "1.5", "-0.0": "0",
             "5e-324": "5e-324", "1e20": "100000000000000000000", "1e-6": "0.000001",
             "2e-324": "0", "3e-324": "5e-324", "9007199254740993.0": "9007199254740992",
             "333333333.33333329": "333333333.3333333", "1.0e1": "10", "1e23": "1e+23"}


def numbers():
    accepted = {token: build.number_text(token) for token in ACCEPTED}
    for token, text in PUBLISHED.items():
        assert accepted[token] == text, (token, accepted[token])
    for token, reason in REFUSED.items():
        try:
            assert False, (token, build.number_text(token))
        except ValueError as refusal:
            assert str(refusal) == reason, token
    return {"what": "A number token as sent, and its text in the recorded event. Without fraction "
                    "and exponent it is an integer within 2^53-1; any other is the nearest double.",
            "accepted": [{"token": t, "text": x} for t, x in accepted.items()],
            "refused": [{"token": t, "reason": r} for t, r in REFUSED.items()]}


RUNS = {0: [], 1: [(0, 1)], 255: [(254, 255), (127, 129), (0, 255)],
        256: [(255, 256), (127, 129), (1, 255)], 257: [(255, 257), (256, 257), (0, 1)],
        65536: [(255, 257), (32767, 32769), (65280, 65536), (256, 65536), (65535, 65536)]}


def trees():
    def leaf(i):
        return build.leaf_data(i + 1, build.sha256(str(i).encode()))

    listed = []
    for size, runs in RUNS.items():
        tree = build.Tree([leaf(i) for i in range(size)])
        listed.append({"size": size, "root": tree.root().hex(),
                       "runs": [{"first": a, "end": b, "proof": hexes(tree.run_proof(a, b))}
                                for a, b in runs]})
    return {"what": "Roots and runs of trees whose leaves follow a rule. A run holds the leaves "
                    "first \u2026 end-1 and is proved by the hashes of proof, left to right.",
            "leaf_rule": "leaf data i = 0x01 \u2016 i64(i+1) \u2016 SHA-256(decimal digits of i)",
            "first_leaf": leaf(0).hex(), "trees": listed}


# ---- Frames of the journal -----------------------------------------------------------------------


def frames():
    key, folder, before = bytes(range(32)), bytes(range(16, 32)), 0x01020304
    body = b"what stands between header and trailer; a mark takes it as it is".ljust(72, b"\x00")
    listed = []
    for file, number, copied, body in ((1, 7, 0, body), (2, 7, 1, body), (2, 8, 0, b"")):
        header = (file, number, TIME, before, 1, copied)
        frame, mark = build.frame(key, folder, header, body)
        listed.append({"file": file, "number": number, "written_at": str(TIME),
                       "before": before, "sections": 1, "copied": bool(copied),
                       "body": body.hex(), "mark": mark.hex(), "frame": frame.hex()})
    assert build.crc32c(b"123456789").hex() == "e3069283"
    return {"what": "Frames of the journal with their marks, without padding: one, its copy in the "
                    "next file, and one whose body is empty.",
            "mark_rule": 'first 16 bytes of HMAC-SHA-256(key, "counterfoil/frame/v1" \u2016 0x00 '
                         "\u2016 folder \u2016 the frame with its mark and both CRCs as zero)",
            "key": key.hex(), "folder": folder.hex(), "frames": listed}


if __name__ == "__main__":
    sys.exit(main())
