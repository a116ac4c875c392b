"""One file for every line of the verdict table, with the verdict stated by hand.

Names begin with the row of the table that decides. `case` takes the file's content, the expected
class, reason and seq, and one sentence that says why. Nothing here runs a verifier.
"""

import copy
import json

import build
from build import Key, Log, b64, evidence, quoted, receipt, sha256, tlog_proof

EXIT = {"verified": 0, "tampered": 1, "usage": 2, "incomplete": 3, "unverifiable": 4}
DROP = object()
TIME = 1767323045  # of the witnesses, in seconds
CASES, FILES = [], {}


def files():
    if not CASES:
        for rows in (row_1_json, row_1_shape, row_1_text, row_1_other_kinds, rows_2_and_3, row_4,
                     row_5, row_6, row_7, row_8, row_9, row_10, row_11, row_12, receipts,
                     tlog_proofs, precedence, usage):
            rows()
    manifest = "[\n" + ",\n".join(dump(c).rstrip() for c in CASES) + "\n]\n"
    return {**FILES, "verdicts/MANIFEST.json": manifest.encode()}


def case(name, content, verdict, why, seq=None, policy=..., need="named", required=(), saved=None,
         kind="evidence"):
    result, _, reason = verdict.partition(": ")
    file = name + (".tlog-proof" if kind == "tlog-proof" else ".json")
    if isinstance(content, dict):
        content = dump(content)
    assert f"verdicts/{file}" not in FILES, file
    FILES[f"verdicts/{file}"] = content.encode() if isinstance(content, str) else content
    CASES.append({"file": file, "kind": kind, "policy": ONE_KEY if policy is ... else policy,
                  "need": need, "required": [list(path) for path in required], "saved": saved,
                  "class": result, "reason": reason or None, "seq": seq, "exit": EXIT[result],
                  "why": why})


def malformed(name, content, why, **more):
    case("r01-" + name, content, "unverifiable: malformed", why, **more)


def dump(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"


def put(value, *path):
    """A copy of `value` with the last of `path` at the place the others lead to."""
    *steps, last, new = path
    value = copy.deepcopy(value)
    place = value
    for step in steps:
        place = place[step]
    if new is DROP:
        del place[last]
    elif isinstance(place, list) and last == len(place):
        place.append(new)
    else:
        place[last] = new
    return value


def swap(text, old, new):
    text = dump(text) if isinstance(text, dict) else text
    assert old in text, old
    return text.replace(old, new, 1)


def flip(encoded, index=0):
    """Base64 with one bit of the decoded bytes turned."""
    data = bytearray(build.base64.b64decode(encoded))
    data[index] ^= 1
    return b64(data)


# ---- The logs that the cases are about -----------------------------------------------------------


def event(actor, rate="1.5"):
    return [(("action",), '"user.list"'), (("actor", "id"), quoted(actor)),
            (("n", 0), '"1"'), (("n", 1), rate)]


def seed(name):
    return sha256(f"counterfoil vector key {name}".encode())


def one_event(fields):
    """A log of one event that honestly commits to these fields, whatever they are."""
    return Log(ACME.origin, ACME_KEY, [fields])


def alone(log, **run):
    return evidence([(log, log.note())], [log.run(0, len(log.leaves), log=0, **run)])


def log_lines(*keys):
    return "".join(f"log {key.vkey}\n" for key in keys)


def witnessed(rule):
    lines = "".join(f"witness w{i} {w.vkey}\n" for i, w in enumerate(WITNESSES, 1))
    return log_lines(ACME_KEY) + lines + rule


ACME_KEY = Key("a.example/tlog/acme-0", bytes(range(32)))
ACME_NEW_KEY = Key("a.example/tlog/acme-0", seed("acme-0, second"))
BETA_KEY = Key("a.example/tlog/beta-0", seed("beta-0"))
WITNESSES = [Key(f"w.example/w{i}", seed(f"w{i}"), kind=4) for i in (1, 2, 3)]
W1, W2, W3 = WITNESSES
STRANGER = Key("w.example/stranger", seed("stranger"), kind=4)
PEOPLE = ["alice", "bob", "carol", "dave", "erin"]
ACME = Log(ACME_KEY.name, ACME_KEY, [*map(event, PEOPLE[:4]), [(("action",), '"list"')]])
BETA = Log(BETA_KEY.name, BETA_KEY, [event(name) for name in PEOPLE[:3]])
FORKED = Log(ACME_KEY.name, ACME_KEY, [event(name) for name in reversed(PEOPLE)])
NOTE, BETA_NOTE = ACME.note(), BETA.note()
BODY = NOTE[:NOTE.index("\n\n") + 1]
ONE_KEY = log_lines(ACME_KEY) + "quorum none\n"
TWO_KEYS = log_lines(ACME_KEY, BETA_KEY) + "quorum none\n"
TWO_OF_THREE = witnessed("group all-of-us 2 w1 w2 w3\nquorum all-of-us\n")

BASE = evidence([(ACME, NOTE)], [ACME.run(1, 2, log=0)])
# Where only the checkpoint matters: the last leaf has one field and one proof hash.
LAST = evidence([(ACME, NOTE)], [ACME.run(4, 5, log=0)])
TWO_RUNS = evidence([(ACME, NOTE)], [ACME.run(0, 1, log=0), ACME.run(3, 5, log=0)])
TWO_LOGS = evidence([(ACME, NOTE), (BETA, BETA_NOTE)],
                    [ACME.run(1, 2, log=0), BETA.run(0, 1, log=1)])
FIELD = ("runs", 0, "events", 0, "fields")

# Row 1 looks at the shape alone: the least that has one.
TINY = Log(ACME_KEY.name, ACME_KEY, [[(("action",), '"list"'), (("n", 0), "1.5")]] * 3)
SMALL = evidence([(TINY, TINY.note(2))], [TINY.run(1, 2, 2, log=0)])


def with_note(note):
    return put(LAST, "logs", 0, "checkpoint", note)


# ---- Row 1 ---------------------------------------------------------------------------------------


def row_1_json():
    text = dump(SMALL)
    malformed("empty-file", "", "An empty file is no JSON.")
    malformed("not-json", "evidence\n", "Plain words are no JSON.")
    malformed("cut", text[:-4], "The file ends before its last brackets.")
    malformed("trailing", text + "{}\n", "A second value follows the first.")
    malformed("bom", "\ufeff" + text, "A byte order mark stands before the file.")
    malformed("not-utf8", text.encode().replace(b"list", b"\xff"),
              "A string holds a byte that UTF-8 never has.")
    malformed("surrogate-bytes", swap(text, "list", "?").encode().replace(b"?", b"\xed\xa0\x80"),
              "A surrogate is encoded as three bytes, which is not UTF-8.")
    malformed("duplicate-key", swap(text, '"first":1', '"first":1,"first":1'),
              "One object has a key twice.")
    malformed("duplicate-key-escaped", swap(text, '"first":1', '"first":1,"fir\\u0073t":1'),
              "Two keys are equal once their escapes are resolved.")
    malformed("duplicate-key-remarks", swap(text, "{", '{"remarks":{"a":1,"\\u0061":2},'),
              "Remarks are not trusted, but a duplicate key there is no strict JSON either.")
    malformed("surrogate-remarks", swap(text, "{", '{"remarks":{"a":"\\ud800"},'),
              "A lone surrogate is refused anywhere.")
    malformed("surrogate-path", swap(text, '["action"]', '["action\\udfff"]'),
              "A path cannot hold a lone surrogate.")
    malformed("nan", swap(text, "{", '{"remarks":{"a":NaN},'), "NaN is no JSON.")
    for name, token in [("fraction", "1.0"), ("negative", "-1"),
                        ("minus-zero", "-0"), ("string", '"1"'), ("bool", "true"),
                        ("too-large", "9007199254740992")]:
        malformed(f"number-{name}", swap(text, '"first":1', f'"first":{token}'),
                  "A number of the file is an integer from 0 to 2^53-1.")


def row_1_shape():
    malformed("other-format", put(SMALL, "format", "counterfoil.evidence/v2"), "Another format.")
    malformed("acknowledgement", {"format": "counterfoil.acknowledgement/v1", "events": [],
                                  "logs": []}, "An acknowledgement proves nothing by itself.")
    malformed("no-format", put(SMALL, "format", DROP), "The member format is missing.")
    malformed("claim-kind", put(SMALL, "claim", "kind", "query"), "No claim about a query exists.")
    for name, path in [("file", ()), ("run", ("runs", 0)),
                       ("event", ("runs", 0, "events", 0)), ("field", (*FIELD, 0))]:
        malformed(f"unknown-member-{name}", put(SMALL, *path, "extra", 1),
                  "An unknown member stands in the file.")
    malformed("no-proof", put(SMALL, "runs", 0, "proof", DROP), "A run without proof.")
    malformed("text-and-commitment", put(SMALL, *FIELD, 0, "commitment", b64(bytes(32))),
              "A field is shown or named, not both.")
    malformed("events-more", put(SMALL, "runs", 0, "events", 1, {"gone": "expired"}),
              "Two entries of events for one leaf.")
    malformed("gone-word", put(SMALL, "runs", 0, "events", 0, {"gone": "lost"}),
              "An event is gone as expired or withheld.")
    for name, path in [("negative", ["actor", -1]),
                       ("bool", ["actor", True])]:
        malformed(f"path-{name}", put(SMALL, *FIELD, 1, "path", path),
                  "A path has strings and indices only.")
    proof = SMALL["runs"][0]["proof"][0]
    for name, bad in [("unpadded", proof.rstrip("=")), ("no-base64", proof[:-2] + "%="),
                      ("stray-bits", proof[:-2] + chr(ord(proof[-2]) + 1) + "="),
                      ("url", b64(b"\xff" * 32).replace("/", "_"))]:
        malformed(f"base64-{name}", put(SMALL, "runs", 0, "proof", 0, bad),
                  "Base64 is the standard alphabet, padded, without stray bits.")
    malformed("salt-short", put(SMALL, *FIELD, 0, "salt", b64(bytes(15))), "A salt has 16 bytes.")
    malformed("commitment-long", put(SMALL, *FIELD, 0, {"path": ["action"],
              "commitment": b64(bytes(33))}), "A commitment has 32 bytes.")
    malformed("two-origins", put(SMALL, "logs", 1, SMALL["logs"][0]), "One origin stands twice.")
    malformed("run-log", put(SMALL, "runs", 0, "log", 1), "A run of a log that is not listed.")
    malformed("run-empty", put(put(SMALL, "runs", 0, "leaves", []), "runs", 0, "events", []),
              "A run holds at least one leaf.")
    for name, first, second in [("touch", (0, 1), (1, 2)), ("overlap", (0, 2), (1, 3)),
                                ("order", (2, 3), (0, 1))]:
        runs = [TINY.run(*first, log=0), TINY.run(*second, log=0)]
        malformed(f"runs-{name}", put(SMALL, "runs", runs), "Runs ascend and do not touch.")
    malformed("runs-log-order", put(TWO_LOGS, "runs", TWO_LOGS["runs"][::-1]),
              "Runs ascend by log first.")
    row_1_checkpoints()


def row_1_checkpoints():
    line = NOTE[len(BODY) + 1:]
    origin, size, root, _ = BODY.split("\n")
    for name, note, why in [
        ("unsigned", BODY, "No signature line."),
        ("no-blank", BODY + line, "No empty line before the signatures."),
        ("extension", f"{BODY}more\n\n{line}", "Our checkpoints have no extension lines."),
        ("size-zeros", f"{origin}\n0{size}\n{root}\n\n{line}", "A size has no leading zero."),
        ("root-short", f"{origin}\n{size}\n{b64(bytes(31))}\n\n{line}", "A root has 32 bytes."),
        ("carriage-return", NOTE.replace("\n", "\r\n"), "A note has no control characters."),
        ("control", NOTE + Key("w.example/\u0001", seed("control")).raw_line(bytes(64)),
         "Nor in the lines of unknown keys."),
        ("other-origin", BETA_NOTE, "The entry and its checkpoint name different origins."),
    ]:
        malformed(f"checkpoint-{name}", put(SMALL, "logs", 0, "checkpoint", note), why)


def row_1_text():
    for name, text in [
        ("number-e", "1.0e1"), ("number-capital-e", "1E+2"), ("number-zero", "01"),
        ("nan", "NaN"),
        ("number-digits", "\u0661"), ("newline", "1\n"), ("space", " 1"),
        ("empty", ""), ("open-quote", '"a'),
        ("two-strings", '"a""b"'), ("escape", '"\\u0041"'), ("escape-slash", '"\\/"'),
        ("escape-capital", '"\\u001F"'), ("escape-long", '"\\u000a"'), ("control", '"\u0001"'),
        ("escape-delete", '"\\u007f"'), ("object", '{"a":1}'), ("array", "[1]"),
    ]:
        malformed(f"text-{name}", put(SMALL, *FIELD, 1, "text", text),
                  "A text is one RFC 8785 scalar, {} or [], and nothing else.")
    malformed("text-surrogate", swap(SMALL, '"text":"1.5"', '"text":"\\"\\ud800\\""'),
              "A text cannot hold a lone surrogate.")


def row_1_other_kinds():
    good = receipt([{"log": 0, "seq": 1}], [(ACME, NOTE, [ACME.run(1, 2)])])
    for name, bad, why in [
        ("uncovered", put(good, "events", 1, {"log": 0, "seq": 3}), "A seq that no run holds."),
        ("unnamed", put(good, "logs", 0, "runs", 0, ACME.run(1, 3)), "A leaf that no entry names."),
        ("duplicate-false", put(good, "events", 0, "duplicate", False), "False is never said."),
        ("two-origins", put(good, "logs", 1, {**good["logs"][0], "runs": []}), "One origin twice."),
        ("conflict-covered", receipt([{"log": 0, "seq": 1, "conflict": {"log": 0, "seq": 2}}],
                                     [(ACME, NOTE, [ACME.run(1, 3)])]),
         "The seq behind a conflict is not where one of these events stands."),
        ("conflict-log", put(good, "events", 0, "conflict", {"log": 1, "seq": 0}), "No such log."),
        ("runs-touch", receipt([{"log": 0, "seq": 0}, {"log": 0, "seq": 1}],
                               [(ACME, NOTE, [ACME.run(0, 1), ACME.run(1, 2)])]), "Runs touch."),
    ]:
        malformed(f"receipt-{name}", bad, why, kind="receipt")
    proof = tlog_proof(ACME, 2, NOTE)
    extra = proof.split("\n")[1] + "\n"
    for name, bad, why in [
        ("no-extra", swap(proof, extra, ""), "The leaf is required as extra."),
        ("index-zeros", swap(proof, "index 2", "index 02"), "An index has no leading zero."),
        ("index-first", swap(swap(proof, extra, ""), "index 2\n", "index 2\n" + extra),
         "The lines stand in another order."),
        ("extra-unpadded", swap(proof, extra, extra.rstrip("=\n") + "\n"), "Bad base64."),
        ("hash-short", swap(proof, "index 2\n", f"index 2\n{b64(bytes(31))}\n"), "31 bytes."),
        ("carriage-return", proof.replace("\n", "\r\n"), "Lines end in a newline alone."),
        ("no-checkpoint", proof[:proof.index("\n\n") + 1], "No checkpoint follows."),
    ]:
        malformed(f"proof-{name}", bad, why, kind="tlog-proof")


# ---- Rows 2 to 4 ---------------------------------------------------------------------------------


def rows_2_and_3():
    unknown_log, unknown_key = "unverifiable: unknown-log", "unverifiable: unknown-key"
    case("r02-other-log", LAST, unknown_log, "The policy lists another origin only.",
         policy=log_lines(BETA_KEY) + "quorum none\n")
    case("r02-no-policy", LAST, unknown_log, "Without a policy no log is known.", policy=None)
    case("r02-policy-without-logs", LAST, unknown_log, "The policy lists no log.",
         policy="quorum none\n")
    case("r02-second-log", TWO_LOGS, unknown_log, "One of two logs is not in the policy.")
    case("r02-hints", put(put(LAST, "logs", 0, "vkeys", [ACME_KEY.vkey]), "logs", 0, "policy",
                          ONE_KEY), unknown_log, "Keys inside the file are never trusted.",
         policy=None)
    case("r02-other-key", LAST, unknown_key, "The policy has another key for this origin.",
         policy=log_lines(ACME_NEW_KEY) + "quorum none\n")
    case("r02-witness-only", with_note(BODY + "\n" + W1.line(BODY, TIME)), unknown_key,
         "A witness signed, the log did not.", policy=TWO_OF_THREE.replace(" 2 ", " 1 "))
    case("r02-foreign-log", with_note(BODY + "\n" + BETA_KEY.line(BODY)), unknown_key,
         "A key of the policy signed, but it is another log's.", policy=TWO_KEYS)
    bad = "tampered: bad-signature"
    good = ACME_KEY.sign(BODY.encode())
    s = int.from_bytes(good[32:], "little") + build.ORDER
    for name, signature, why in [
        ("flipped", good[:40] + bytes([good[40] ^ 1]) + good[41:], "One bit is turned."),
        ("short", good[:63], "63 bytes."),
        ("s-not-reduced", good[:32] + s.to_bytes(32, "little"), "S is not below the order."),
        ("r-not-canonical", ((1 << 255) - 1).to_bytes(32, "little") + good[32:],
         "R is no canonical point."),
    ]:
        case(f"r03-log-{name}", with_note(BODY + "\n" + ACME_KEY.raw_line(signature)), bad,
             f"The log's signature does not verify: {why}")
    other_size = swap(NOTE, "\n5\n", "\n6\n")
    case("r03-log-size", with_note(other_size), bad, "Size changed after signing; row 5 as well.")
    case("r03-witness", with_note(NOTE + W1.raw_line(TIME.to_bytes(8, "big") + bytes(64))), bad,
         "A witness's line does not verify.", policy=TWO_OF_THREE)
    signature = W1.line(BODY, TIME).split(" ")[2]
    case("r03-witness-time", with_note(NOTE + f"\u2014 {W1.name} {flip(signature, 11)}\n"), bad,
         "The time of a cosignature was changed.", policy=TWO_OF_THREE)
    case("r03-witness-time-limit", with_note(NOTE + W1.line(BODY, 2**63)), bad,
         "The time of a cosignature is below 2^63.", policy=TWO_OF_THREE)
    case("r03-witness-no-time", with_note(NOTE + W1.raw_line(W1.sign(BODY.encode()))), bad,
         "A witness's line without time.", policy=TWO_OF_THREE)
    case("r03-second-line", with_note(NOTE + ACME_KEY.raw_line(bytes(64))), bad,
         "One good line does not excuse a bad one.")
    case("r03-second-key", with_note(NOTE + ACME_NEW_KEY.raw_line(bytes(64))), bad,
         "Of two keys of the log, one did not sign this.",
         policy=log_lines(ACME_KEY, ACME_NEW_KEY) + "quorum none\n")
    case("r03-foreign-log", with_note(NOTE + BETA_KEY.raw_line(bytes(64))), bad,
         "A line of another log in the policy does not verify.", policy=TWO_KEYS)
    case("r03-witness-unused", with_note(NOTE + W1.raw_line(bytes(72))), bad,
         "The quorum asks for nobody, yet a known witness's line is bad.",
         policy=witnessed("quorum none\n"))


def row_4():
    lacking = "incomplete: quorum"
    one = NOTE + W1.line(BODY, TIME)
    for name, note, why in [
        ("none", NOTE, "No witness cosigned."), ("one", one, "One of two needed cosigned."),
        ("same-twice", one + W1.line(BODY, TIME + 1), "One witness counts once."),
        ("stranger", one + STRANGER.line(BODY, TIME), "A stranger does not count."),
    ]:
        case(f"r04-{name}", with_note(note), lacking, why, policy=TWO_OF_THREE)
    nested = witnessed("group a any w1 w2\ngroup b all a w3\nquorum b\n")
    two = one + W2.line(BODY, TIME)
    case("r04-nested", with_note(two), lacking, "Of two groups one is not met.", policy=nested)
    case("r12-nested", with_note(one + W3.line(BODY, TIME)), "verified", "Both groups are met.",
         policy=nested)
    case("r12-two-of-three", with_note(two), "verified", "Two of three cosigned.",
         policy=TWO_OF_THREE)
    case("r12-unasked-witness", with_note(one), "verified", "Nobody is asked for, one cosigned.",
         policy=witnessed("quorum none\n"))
    case("r12-policy-text", with_note(two), "verified",
         "Comments, tabs, empty lines and addresses are allowed in a policy.",
         policy="# a comment\n\n" + TWO_OF_THREE.replace("\nwitness", " https://x\n\twitness")
         .replace("quorum all-of-us\n", "  quorum\tall-of-us \n"))


# ---- Rows 5 to 8 ---------------------------------------------------------------------------------


def with_base_note(note):
    return put(BASE, "logs", 0, "checkpoint", note)


def row_5():
    absent = "tampered: not-in-log"
    proof = BASE["runs"][0]["proof"]
    wrong = flip(proof[1])
    case("r05-hash", put(BASE, "runs", 0, "proof", 1, wrong), absent, "A proof hash differs.", 1)
    case("r05-short", put(BASE, "runs", 0, "proof", proof[:-1]), absent, "A proof hash lacks.", 1)
    case("r05-long", put(BASE, "runs", 0, "proof", proof + proof[:1]), absent,
         "The proof is not used up.", 1)
    case("r05-order", put(BASE, "runs", 0, "proof", proof[::-1]), absent,
         "The hashes stand in another order.", 1)
    case("r05-first", put(BASE, "runs", 0, "first", 2), absent, "The run stands elsewhere.", 2)
    case("r05-smaller", with_base_note(ACME.note(1)), absent, "The checkpoint is smaller.", 1)
    case("r05-straddles", evidence([(ACME, ACME.note(4))], [ACME.run(3, 5, log=0)]), absent,
         "The run goes past the checkpoint's size: its first seq is named.", 3)
    case("r05-empty-tree", with_base_note(ACME.note(0)), absent, "A run under an empty tree.", 1)
    case("r05-root", with_base_note(ACME.note(root=sha256(b"other"))), absent,
         "The log signed another root.", 1)
    case("r05-last-run", put(TWO_RUNS, "runs", 1, "proof", 0, wrong), absent,
         "The second run fails.", 3)
    case("r05-far-first", put(BASE, "runs", 0, "first", 2**53 - 2), absent,
         "A seq far beyond the tree.", 2**53 - 2)
    whole = tall_tree()
    case("r12-tall-tree", whole, "verified", "A tree of 2^52+5 leaves needs 53 hashes.")
    case("r05-tall-tree", put(whole, "runs", 0, "proof", whole["runs"][0]["proof"][:3]), absent,
         "The proof runs dry high up in a large tree.", 2**51 + 3)


def tall_tree():
    size, first = 2**52 + 5, 2**51 + 3
    log = one_event(event("alice"))
    proof = []

    def root(low, high):
        if not low <= first < high:
            proof.append(sha256(f"sibling {low} {high}".encode()))
            return proof[-1]
        if high - low == 1:
            return sha256(b"\0" + log.leaves[0])
        middle = low + build.below(high - low)
        left = root(low, middle)
        return sha256(b"\1" + left + root(middle, high))

    note = log.note(size, root=root(0, size))
    run = {**log.run(0, 1, log=0), "first": first, "proof": [b64(h) for h in proof]}
    return evidence([(log, note)], [run])


def with_leaves(*changes):
    """ACME with other leaves: (seq, function from leaf to leaf)."""
    log = copy.copy(ACME)
    log.leaves = list(ACME.leaves)
    for seq, change in changes:
        log.leaves[seq] = change(log.leaves[seq])
    return log


def at_time(seq):
    return lambda leaf: ACME.leaves[seq][:9] + leaf[9:]


def row_6():
    for name, change, why in [("version", lambda leaf: b"\2" + leaf[1:], "First byte 0x02."),
                              ("short", lambda leaf: leaf[:40], "40 bytes."),
                              ("empty", lambda leaf: b"", "No bytes.")]:
        log = with_leaves((1, change))
        case(f"r06-leaf-{name}", evidence([(log, log.note())], [log.run(1, 2, log=0)]),
             "unverifiable: leaf-version", f"A leaf that the log holds is of no known form: {why}",
             1)
    late = "tampered: time-order"
    equal, falling = with_leaves((2, at_time(1))), with_leaves((3, at_time(0)))
    case("r06-time-equal", evidence([(equal, equal.note())], [equal.run(1, 3, log=0)]), late,
         "Two entries have one time.", 2)
    case("r06-time-falls", evidence([(falling, falling.note())], [falling.run(2, 4, log=0)]), late,
         "An entry is older than the one before.", 3)
    runs = [falling.run(1, 2, log=0), falling.run(3, 4, log=0)]
    case("r06-time-over-runs", evidence([(falling, falling.note())], runs), late,
         "Time must rise from run to run as well.", 3)
    case("r06-time-over-version", time_over_version(), late,
         "A leaf of another version between two entries does not hide that time falls.", 3)
    gone = put(put(BASE, "runs", 0, equal.run(1, 3, log=0)), "logs", 0, "checkpoint", equal.note())
    gone = put(put(gone, "runs", 0, "events", 0, {"gone": "expired"}), "runs", 0, "events", 1,
               {"gone": "expired"})
    case("r06-time-gone", gone, late, "The leaves of gone events still have times.", 2, need="any")


def time_over_version():
    log = with_leaves((2, lambda leaf: b"\2" + leaf[1:]), (3, at_time(0)))
    return evidence([(log, log.note())], [log.run(1, 4, log=0)])


def row_7():
    wrong = "tampered: digest"
    fields = BASE["runs"][0]["events"][0]["fields"]
    for name, bad, why in [
        ("value", put(BASE, *FIELD, 1, "text", '"mallory"'), "A value was changed."),
        ("type", put(BASE, *FIELD, 2, "text", "1"), 'The number 1 is not the string "1".'),
        ("spelling", put(BASE, *FIELD, 3, "text", "1.50"), "1.50 is not the text 1.5."),
        ("path", put(BASE, *FIELD, 1, "path", ["actor", "name"]), "A path was changed."),
        ("path-type", put(BASE, *FIELD, 2, "path", ["n", "0"]),
         "The key 0 is not the index 0."),
        ("salt", put(BASE, *FIELD, 0, "salt", b64(bytes(16))), "A salt was changed."),
        ("dropped", put(BASE, *FIELD, 0, DROP), "A field was dropped."),
        ("added", put(BASE, *FIELD, 4, {"digest": b64(bytes(32))}), "A hidden field was added."),
        ("no-fields", put(BASE, *FIELD, []), "All fields were dropped."),
    ]:
        case(f"r07-{name}", bad, wrong, why, 1)
    named = evidence([(ACME, NOTE)], [ACME.run(1, 2, log=0, forms={0: "named", 1: "hidden"})])
    spoiled = put(named, *FIELD, 0, "commitment", flip(named["runs"][0]["events"][0]["fields"][0]
                                                       ["commitment"]))
    case("r07-commitment", spoiled, wrong, "A commitment was changed.", 1, need="any")
    spoiled = put(named, *FIELD, 1, "digest", b64(sha256(b"x")))
    case("r07-hidden", spoiled, wrong, "A hidden digest was changed.", 1, need="any")
    foreign = Log("a.example/tlog/beta-0", BETA_KEY, [event("alice")])
    moved = one_event(event("alice"))
    moved.events, moved.leaves = foreign.events, foreign.leaves
    case("r07-origin", alone(moved), wrong, "The digest was made for another origin.", 0)
    twin = one_event(event("alice"))
    twin.events[0][1] = twin.events[0][0]
    twin.leaves = [build.leaf_data(1, twin.digest(twin.events[0]))]
    case("r07-equal", alone(twin), wrong, "Two fields have one digest, though the leaf has it so.",
         0)
    case("r07-equal-hidden", alone(twin, forms={0: "hidden"}), wrong,
         "A hidden field has the digest of a shown one.", 0, need="any")


def row_8():
    both = "tampered: two-openings"
    tail = event("alice")
    holed = tail[:2] + [(("n", 0), "1"), (("n", 2), "2")]
    for name, fields, why in [
        ("path-twice", tail + [(("actor", "id"), '"bob"')], "One path has two values."),
        ("prefix", tail + [(("actor",), '"alice"')], "actor is a string and an object."),
        ("prefix-empty", tail + [(("actor",), "{}")], "actor is empty and holds an id."),
        ("keys-and-indices", tail + [(("n", "2"), "1")], "n is array and object."),
        ("keys-and-indices-top", tail + [((0,), "1")], "The event itself is array and object."),
        ("hole", holed, "An array lacks an index, and nothing is hidden."),
        ("hole-first", tail[:2] + [(("n", 1), "1")], "An array begins at 1."),
    ]:
        case(f"r08-{name}", alone(one_event(fields)), both, why, 0)
    twice = one_event(tail + [(("actor", "id"), '"bob"')])
    case("r08-shown-and-named", alone(twice, forms={1: "named"}), both,
         "A path is shown, and named with another commitment.", 0)
    case("r08-twice-beside-hidden", alone(twice, forms={0: "hidden"}), both,
         "Hidden fields excuse a hole, not two openings.", 0, need="any")
    prefix = one_event(tail + [(("actor",), '"alice"')])
    case("r08-prefix-named", alone(prefix, forms={4: "named"}), both,
         "A named path begins another.", 0)
    case("r12-hole-beside-hidden", alone(one_event(tail), forms={2: "hidden"}), "verified",
         "What is hidden may be the missing index.", need="any")
    case("r12-named-fills-hole", alone(one_event(tail), forms={2: "named"}), "verified",
         "A named field stands at its index.")
    odd = [(("",), "null"), (("a", ""), "{}"), (("a", "\u00e9\u2028\"\\\u001f/"), "[]"),
           (("b", 0, 0), "1e-7"), (("b", 0, 1), "-1.5e+300"), (("b", 1), "false"),
           (("c",), quoted("\u0000\b\t\n\f\r\u001f\u007f\u2028\U0001f600\"\\/"))]
    case("r12-odd-fields", alone(one_event(odd)), "verified",
         "Empty keys, escapes, nested arrays, empty containers and a character above U+FFFF.")
    order = one_event([(("list", i), str(i)) for i in range(11)])
    case("r12-eleven-indices", alone(order), "verified", "Indices are numbers: 10 follows 9.")


# ---- Rows 9 to 12 --------------------------------------------------------------------------------


def row_9():
    held = "incomplete: withheld"
    hidden = evidence([(ACME, NOTE)], [ACME.run(1, 3, log=0, forms={1: "hidden"})])
    hidden = put(hidden, *FIELD, ACME.run(1, 2, log=0)["events"][0]["fields"])
    named = evidence([(ACME, NOTE)], [ACME.run(1, 2, log=0, forms={1: "named"})])
    gone = put(BASE, "runs", 0, "events", 0, {"gone": "expired"})
    kept = put(put(BASE, "runs", 0, ACME.run(3, 5, log=0)), "runs", 0, "events", 1,
               {"gone": "withheld"})
    case("r09-hidden", hidden, held, "The second event hides a field.", 2)
    case("r09-hidden-full", hidden, held, "Need full allows no hidden fields either.", 2,
         need="full")
    case("r12-hidden-any", hidden, "verified", "Need any allows hidden fields.", need="any")
    case("r09-named-full", named, held, "A field is named without its value.", 1, need="full")
    case("r12-named", named, "verified", "Need named allows named fields.")
    case("r12-full", BASE, "verified", "All is shown.", need="full")
    for name, file, seq in [("expired", gone, 1), ("withheld", kept, 4)]:
        case(f"r09-{name}", file, held, "An event is gone.", seq)
        case(f"r12-{name}-any", file, "verified", "Need any allows a gone event.", need="any")
    required = [["actor", "id"], ["action"]]
    case("r12-required", BASE, "verified", "Both required paths are shown.", required=required)
    case("r09-required-absent", BASE, held, "No such path is shown.", 1,
         required=[["actor", "name"]])
    case("r09-required-any", BASE, held, "A required path is asked for under any need.", 1,
         need="any", required=[["actor", "name"]])
    case("r09-required-named", named, held, "The required path is named only.", 1,
         required=required)
    case("r09-required-container", BASE, held, "A required path is a field's, not a container's.",
         1, required=[["actor"]])
    case("r09-required-key", BASE, held, "The key 0 is not the index 0.", 1,
         required=[["n", "0"]])


def ranged(first, count, *runs, origin=ACME.origin):
    claim = {"kind": "range", "origin": origin, "first": first, "count": count}
    return evidence([(ACME, NOTE)], [ACME.run(*run, log=0) for run in runs], claim)


def row_10():
    lacking = "incomplete: missing"
    case("r10-begin", ranged(0, 3, (1, 3)), lacking, "The first seq is in no run.", 0)
    case("r10-middle", ranged(2, 3, (2, 3), (4, 5)), lacking, "A seq between runs.", 3)
    case("r10-end", ranged(1, 3, (1, 3)), lacking, "The last seq is in no run.", 3)
    case("r10-beyond-tree", ranged(4, 2, (4, 5)), lacking, "The range goes past the tree.", 5)
    case("r10-no-such-log", ranged(1, 1, (1, 2), origin=BETA.origin), lacking,
         "The range is of a log that the file does not hold.", 1)
    case("r10-large", ranged(0, 2**53 - 1, (0, 1)), lacking, "A range too large to be walked.", 1)
    case("r12-range", ranged(3, 2, (2, 5)), "verified", "The range is whole, and more is shown.")
    gone = put(ranged(1, 2, (1, 3)), "runs", 0, "events", 1, {"gone": "expired"})
    case("r12-range-gone", gone, "verified", "A gone event still has its leaf.", need="any")


def consistent(size, old, proof=None):
    """One event under the checkpoint of `size`, with a proof from `old`."""
    file = evidence([(ACME, ACME.note(size))], [ACME.run(size - 1, size, size, log=0)])
    proof = ACME.tree.consistency(old, size) if proof is None else proof
    return put(file, "logs", 0, "consistency",
               [{"old": old, "proof": [p if isinstance(p, str) else b64(p) for p in proof]}])


def row_11():
    fork, unproved = "tampered: fork", "incomplete: no-consistency"
    case("r12-saved-same", LAST, "verified", "The saved checkpoint has the same tree.", saved=NOTE)
    case("r11-same-size", LAST, fork, "One size, two roots.", saved=FORKED.note())
    case("r02-saved-no-policy", LAST, "unverifiable: unknown-log",
         "Without a policy a saved checkpoint contradicts nothing.", policy=None,
         saved=FORKED.note())
    case("r11-no-proof", LAST, unproved, "No proof from the saved size.", saved=ACME.note(3))
    for size, old in [(5, 3), (5, 4), (4, 2)]:
        case(f"r12-saved-{old}-of-{size}", consistent(size, old), "verified",
             "The proof leads from the saved tree to this one.", saved=ACME.note(old))
    case("r11-other-old-root", consistent(5, 3), fork, "The saved tree is no part of this one.",
         saved=FORKED.note(3))
    good = ACME.tree.consistency(3, 5)
    for name, proof in [("hash", [sha256(b"x"), *good[1:]]), ("short", good[:-1]),
                        ("long", [*good, good[0]])]:
        case(f"r11-proof-{name}", consistent(5, 3, proof), fork, "The consistency proof fails.",
             saved=ACME.note(3))
    case("r11-other-size", consistent(5, 4), unproved, "The proof is from another size.",
         saved=ACME.note(3))
    smaller = evidence([(ACME, ACME.note(3))], [ACME.run(0, 1, 3, log=0)])
    case("r11-larger", smaller, unproved, "The saved checkpoint is larger.", saved=NOTE)
    case("r12-saved-empty", LAST, "verified", "Every tree goes on from the empty one.",
         saved=ACME.note(0))
    case("r12-saved-beta", TWO_LOGS, "verified", "One of two logs was saved.", policy=TWO_KEYS,
         saved=BETA_NOTE)
    case("r12-saved-without-run", put(consistent(5, 3), "runs", []), "verified",
         "A checkpoint that goes on from a saved one, without events.", saved=ACME.note(3))


def row_12():
    case("r12-one-event", BASE, "verified", "One event, all shown.")
    case("r12-two-runs", TWO_RUNS, "verified", "Two runs of one log.")
    case("r12-whole-tree", evidence([(ACME, NOTE)], [ACME.run(0, 5, log=0)]), "verified",
         "The whole tree is one run, with an empty proof.")
    case("r12-tree-of-one", alone(one_event(event("alice"))), "verified", "A tree of one leaf.")
    case("r12-two-logs", TWO_LOGS, "verified", "One event from each of two logs.", policy=TWO_KEYS)
    case("r12-shuffled", put(BASE, *FIELD, BASE["runs"][0]["events"][0]["fields"][::-1]),
         "verified", "Fields may stand in any order.")
    case("r12-forms", evidence([(ACME, NOTE)], [ACME.run(1, 2, log=0, forms={0: "hidden",
         1: "named"})]), "verified", "Shown, named and hidden in one event.", need="any")
    hints = put(put(BASE, "logs", 0, "vkeys", ["nonsense"]), "logs", 0, "policy", "nonsense")
    case("r12-hints", put(hints, "remarks", {"for": "the auditor", "n": [1, None, {}]}), "verified",
         "Hints are not read.")
    case("r12-escapes", swap(dump(BASE), '"action"', '"\\u0061ction"'), "verified",
         "JSON escapes in the file are resolved before anything is hashed.")
    case("r12-spaced", json.dumps(BASE, indent=1), "verified", "White space does not matter.")
    case("r12-unknown-lines", with_note(NOTE + STRANGER.raw_line(bytes(72))
         + Key(ACME_KEY.name, seed("elsewhere")).raw_line(bytes(64))), "verified",
         "Lines of unknown keys are passed over, good or bad.")
    both = NOTE + ACME_NEW_KEY.line(BODY)
    for name, keys in [("old", [ACME_KEY]), ("new", [ACME_NEW_KEY])]:
        case(f"r12-rotation-{name}", with_note(both), "verified",
             "Old and new key signed; either will do.", policy=log_lines(*keys) + "quorum none\n")


def receipts():
    def one(note=NOTE, runs=((1, 3),), entries=({"log": 0, "seq": 1}, {"log": 0, "seq": 2})):
        return receipt(list(entries), [(ACME, note, [ACME.run(*run) for run in runs])])

    def told(name, content, verdict, why, **more):
        case(name, content, verdict, why, kind="receipt", **more)

    told("r12-receipt", one(), "verified", "Two events in one run.")
    told("r12-receipt-duplicate", one(runs=[(3, 4)], entries=[
         {"log": 0, "seq": 3, "duplicate": True}]), "verified", "A duplicate alone.")
    told("r12-receipt-mixed", one(runs=[(0, 1), (2, 4)], entries=[
         {"log": 0, "seq": 2, "id": "018f-given"}, {"log": 0, "seq": 0, "duplicate": True},
         {"refused": {"code": "unknown-member", "path": "/resource", "reason": "no such member"}},
         {"log": 0, "seq": 3, "conflict": {"log": 0, "seq": 1}}, {"log": 0, "seq": 3,
                                                                 "duplicate": True}]),
         "verified", "Given id, duplicate, refusal, conflict: the conflicting seq needs no run.")
    conflict = {"log": 0, "seq": 3, "conflict": {"log": 0, "seq": 2}}
    told("r12-receipt-conflict", one(runs=[(3, 4)], entries=[conflict]), "verified",
         "No run covers the seq behind the conflict.")
    told("r12-receipt-conflict-named", one(runs=[(2, 4)], entries=[
         {"log": 0, "seq": 2, "duplicate": True}, conflict]), "verified",
         "The seq behind the conflict is also that of an event.")
    told("r12-receipt-two-logs", receipt([{"log": 1, "seq": 0}, {"log": 0, "seq": 1}], [
         (ACME, NOTE, [ACME.run(1, 2)]), (BETA, BETA_NOTE, [BETA.run(0, 1)])]), "verified",
         "A duplicate in an older log beside a new event.", policy=TWO_KEYS)
    told("r12-receipt-refused", receipt([{"refused": {"code": "too-deep", "path": "/attributes",
         "reason": "more than 16 steps"}}], []), "verified", "All refused: nothing is claimed.")
    told("r02-receipt", one(), "unverifiable: unknown-log", "No policy.", policy=None)
    told("r03-receipt", one(BODY + "\n" + ACME_KEY.raw_line(bytes(64))), "tampered: bad-signature",
         "The log's line does not verify.")
    told("r04-receipt", one(), "incomplete: quorum", "No witness.", policy=TWO_OF_THREE)
    told("r05-receipt", put(one(), "logs", 0, "runs", 0, "proof", []), "tampered: not-in-log",
         "No proof.", seq=1)
    late, odd = with_leaves((2, at_time(1))), with_leaves((2, lambda leaf: b"\2" + leaf[1:]))
    for name, log, verdict in [("time", late, "tampered: time-order"),
                               ("version", odd, "unverifiable: leaf-version")]:
        told(f"r06-receipt-{name}", receipt([{"log": 0, "seq": 1}, {"log": 0, "seq": 2}],
             [(log, log.note(), [log.run(1, 3)])]), verdict, "The second leaf is at fault.", seq=2)


def tlog_proofs():
    def told(name, content, verdict, why, **more):
        case(name, content, verdict, why, kind="tlog-proof", **more)

    good = tlog_proof(ACME, 2, NOTE)
    single = one_event(event("alice"))
    for size, index in [(5, 2), (5, 4), (4, 1)]:
        told(f"r12-proof-{index}-of-{size}", tlog_proof(ACME, index, ACME.note(size), size),
             "verified", "From the leaf's sibling up to the root's child.")
    told("r12-proof-0-of-1", tlog_proof(single, 0, single.note()), "verified", "No hashes at all.")
    told("r12-proof-witnessed", good + W1.line(BODY, TIME) + W3.line(BODY, TIME), "verified",
         "Two of three witnesses.", policy=TWO_OF_THREE)
    told("r02-proof", good, "unverifiable: unknown-key", "Another key for this origin.",
         policy=log_lines(ACME_NEW_KEY) + "quorum none\n")
    told("r03-proof", swap(good, NOTE, BODY + "\n" + ACME_KEY.raw_line(bytes(64))),
         "tampered: bad-signature", "The log's line does not verify.")
    told("r04-proof", good, "incomplete: quorum", "No witness.", policy=TWO_OF_THREE)
    lines = good.split("\n\n")[0].split("\n")
    absent = "tampered: not-in-log"
    told("r05-proof-order", swap(good, "\n".join(lines[3:]), "\n".join(lines[:2:-1])), absent,
         "The hashes stand as in a run.", seq=2)
    told("r05-proof-index", swap(good, "index 2", "index 3"), absent, "Another index.", seq=3)
    told("r05-proof-beyond", swap(good, "index 2", "index 5"), absent, "Past the tree.", seq=5)
    odd = with_leaves((2, lambda leaf: leaf[:40]))
    told("r06-proof", tlog_proof(odd, 2, odd.note()), "unverifiable: leaf-version", "40 bytes.",
         seq=2)


# ---- Two rows at once, and misuse ----------------------------------------------------------------


def precedence():
    bad_text = put(BASE, *FIELD, 1, "text", '"mallory"')
    unsigned = put(bad_text, "logs", 0, "checkpoint", BODY + "\n" + ACME_KEY.raw_line(bytes(64)))
    case("p-malformed-first", put(unsigned, *FIELD, 0, "extra", 1), "unverifiable: malformed",
         "Rows 1, 3 and 7: a malformed file is judged no further.")
    case("p-tampered-over-no-policy", bad_text, "tampered: digest",
         "Rows 2 and 7: tampered is worse than unverifiable.", 1, policy=None)
    case("p-tampered-over-unknown-key", put(BASE, "runs", 0, "proof", []), "tampered: not-in-log",
         "Rows 2 and 5.", 1, policy=log_lines(ACME_NEW_KEY) + "quorum none\n")
    case("p-signature-over-digest", unsigned, "tampered: bad-signature", "Rows 3 and 7: the lower.")
    case("p-tree-over-digest", put(bad_text, "runs", 0, "proof", []), "tampered: not-in-log",
         "Rows 5 and 7: the lower row.", 1)
    case("p-unknown-log-over-quorum", BASE, "unverifiable: unknown-log", "Rows 2 and 4.",
         policy=TWO_OF_THREE.replace(ACME_KEY.vkey, BETA_KEY.vkey))
    case("p-witness-of-unknown-log", with_note(NOTE + W1.raw_line(bytes(72))),
         "tampered: bad-signature", "Rows 2 and 3: a known witness counts for any log.",
         policy=TWO_OF_THREE.replace(ACME_KEY.vkey, BETA_KEY.vkey))
    hidden = evidence([(ACME, NOTE)], [ACME.run(1, 2, log=0, forms={1: "hidden"})])
    case("p-quorum-over-withheld", hidden, "incomplete: quorum", "Rows 4 and 9: the lower row.",
         policy=TWO_OF_THREE)
    claimed = put(hidden, "claim", {"kind": "range", "origin": ACME.origin, "first": 0, "count": 2})
    case("p-withheld-over-missing", claimed, "incomplete: withheld",
         "Rows 9 and 10: the lower row, though the missing seq is lower.", 1)
    case("p-missing-over-consistency", claimed, "incomplete: missing", "Rows 10 and 11.", 0,
         need="any", saved=ACME.note(3))
    case("p-fork-over-withheld", claimed, "tampered: fork", "Rows 9, 10 and 11: the worse class.",
         saved=FORKED.note())
    case("p-digest-over-fork", bad_text, "tampered: digest", "Rows 7 and 11: the lower row.", 1,
         saved=FORKED.note())
    odd = with_leaves((1, lambda leaf: b"\2" + leaf[1:]))
    many = evidence([(odd, odd.note())], [odd.run(1, 4, log=0, forms={0: "hidden"})])
    case("p-version-over-withheld", many, "unverifiable: leaf-version", "Rows 6 and 9.", 1)
    case("p-digest-over-version", put(many, "runs", 0, "events", 2, "fields", 0, DROP),
         "tampered: digest", "Rows 6 and 7: seq 1 is unreadable, seq 3 is tampered with.", 3)
    two = evidence([(ACME, NOTE)], [ACME.run(0, 3, log=0)])
    two = put(put(two, "runs", 0, "events", 2, "fields", 0, "text", "null"), "runs", 0, "events", 1,
              "fields", 0, "text", "null")
    case("p-lowest-seq", two, "tampered: digest", "Seqs 1 and 2 fail: the lower.", 1)
    logs = put(TWO_LOGS, *FIELD, 0, "text", "null")
    logs = put(logs, "runs", 1, "events", 0, "fields", 0, "text", "null")
    case("p-lowest-log", logs, "tampered: digest",
         "Seq 1 of log 0 and seq 0 of log 1 fail: the lower log.", 1, policy=TWO_KEYS)
    logs = put(logs, "runs", 1, "proof", [])
    case("p-row-before-log", logs, "tampered: not-in-log",
         "Row 7 in log 0, row 5 in log 1: the lower row.", 0, policy=TWO_KEYS)
    twice = Log(ACME.origin, ACME_KEY, [event("alice") + [(("actor", "id"), '"bob"')],
                                        event("carol")])
    case("p-digest-before-openings", put(alone(twice), "runs", 0, "events", 1, "fields", 0, DROP),
         "tampered: digest", "Row 8 at seq 0, row 7 at seq 1: the lower row.", 1)
    case("p-openings-over-withheld", alone(twice, forms={0: "hidden"}), "tampered: two-openings",
         "Rows 8 and 9.", 0)


def usage():
    def told(name, why, content=LAST, **more):
        case(f"u-{name}", content, "usage", why, **more)

    told("saved-other-log", "The saved checkpoint is of a log that the file does not hold.",
         policy=TWO_KEYS, saved=BETA_NOTE)
    told("saved-unsigned", "The saved checkpoint is not signed by a key of the policy.",
         saved=BODY + "\n" + ACME_NEW_KEY.line(BODY))
    told("saved-no-note", "What was saved is no checkpoint.", saved="hello\n")
    told("saved-no-note-no-policy", "Nor is it one without a policy.", saved="hello\n", policy=None)
    told("saved-other-log-no-policy", "Of another log, which shows without a policy too.",
         saved=BETA_NOTE, policy=None)
    told("saved-unknown-log", "The policy has no key that could have signed it.", saved=NOTE,
         policy=log_lines(BETA_KEY) + "quorum none\n")
    told("saved-unsigned-malformed", "What the judge brings is looked at before the file.", "{}",
         saved=BODY + "\n" + ACME_NEW_KEY.line(BODY))
    alone = receipt([{"log": 0, "seq": 1}], [(ACME, NOTE, [ACME.run(1, 2)])])
    for kind, content in [("receipt", alone), ("tlog-proof", tlog_proof(ACME, 2, NOTE))]:
        told(f"{kind}-saved", "It proves leaves, not how the log grows.", content, kind=kind,
             saved=NOTE)
        told(f"{kind}-required", "It proves leaves, not what is in them.", content, kind=kind,
             required=[["action"]])
    vkey = ACME_KEY.vkey
    two = witnessed("group g 2 w1 w2\n")
    for name, policy, why in [
        ("no-quorum", f"log {vkey}\n", "A policy has one quorum line."),
        ("two-quorums", f"log {vkey}\nquorum none\nquorum none\n", "And only one."),
        ("word", f"logs {vkey}\nquorum none\n", "An unknown kind of line."),
        ("key-twice", f"log {vkey}\nlog {vkey}\nquorum none\n", "One key is listed twice."),
        ("key-id", f"log {vkey.replace(f'+{ACME_KEY.id.hex()}+', '+00000000+')}\nquorum none\n",
         "The key id does not belong to the key."),
        ("key-kind", f"log {W1.vkey}\nquorum none\n", "A witness's key cannot be a log's."),
        ("undefined", f"log {vkey}\nquorum w1\n", "The quorum names nobody defined."),
        ("threshold", two.replace(" 2 ", " 3 ") + "quorum g\n", "Three of two."),
        ("member-twice", two + "group h any w2 w3\nquorum h\n", "A member of two groups."),
        ("name-none", witnessed("group none any w1\nquorum none\n"), "none is no name to give."),
        ("carriage-return", ONE_KEY.replace("\n", "\r\n"), "A policy has no carriage returns."),
    ]:
        told(f"policy-{name}", why, policy=policy)
