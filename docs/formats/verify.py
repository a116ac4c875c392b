#!/usr/bin/env python3
"""Verifies Counterfoil evidence, receipts and tlog-proofs. Offline, standard library only.

Promises: one verdict for one file, by the twelve rows of docs/formats, written from that text
alone and sharing nothing with the verifier of the product. A file that is not of the described
shape is malformed and judged no further; in any other file every row is tried for every log, run
and event, and the verdict is the worst class, then lowest row, then lowest log, then lowest seq.

Never: opens a connection, trusts a hint inside the file (vkeys, policy, remarks), formats a value
(what is shown is the very text that was hashed).

  python3 verify.py FILE [--key VKEY | --policy FILE] [--need any|named|full]
                         [--require '["actor","id"]']... [--saved CHECKPOINT] [--json]
  python3 verify.py --self-test

Exit codes: 0 verified, 1 tampered, 2 usage or nothing to read, 3 incomplete, 4 unverifiable.

KNOWN: ML-DSA-44 keys (type 0x06) are read in a policy, but their signatures are passed over as if
the key were unknown: the standard library has no ML-DSA.

Sources: RFC 6962 (trees), RFC 8032 (Ed25519), RFC 8785 (texts); C2SP signed-note,
tlog-checkpoint, tlog-cosignature, tlog-policy, tlog-proof.
"""

import argparse
import base64
import hashlib
import hmac
import json
import re
import struct
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

EXIT = {"verified": 0, "tampered": 1, "usage": 2, "incomplete": 3, "unverifiable": 4}
WORST_FIRST = ["tampered", "unverifiable", "incomplete"]
CLASS_OF = {
    "malformed": "unverifiable", "unknown-log": "unverifiable", "unknown-key": "unverifiable",
    "bad-signature": "tampered", "quorum": "incomplete", "not-in-log": "tampered",
    "leaf-version": "unverifiable", "time-order": "tampered", "digest": "tampered",
    "two-openings": "tampered", "withheld": "incomplete", "missing": "incomplete",
    "fork": "tampered", "no-consistency": "incomplete",
}
NEEDS = ("any", "named", "full")
INTEGER_LIMIT = 1 << 53  # every number of a file is below it
ORIGIN_BYTES_MAX = 255
LEAF_BYTES = 41
LEAF_VERSION = 0x01
EMPTY_TREE = hashlib.sha256(b"").digest()

NOTE_ED25519, NOTE_COSIGNATURE, NOTE_ML_DSA_44 = 0x01, 0x04, 0x06
PUBLIC_KEY_BYTES = {NOTE_ED25519: 32, NOTE_COSIGNATURE: 32, NOTE_ML_DSA_44: 1312}


class Malformed(Exception):
    """The file is not of the shape that the formats describe (row 1)."""


class Usage(Exception):
    """What the judge brought (policy, key, saved checkpoint, options) cannot be used."""


# ---- What is read ------------------------------------------------------------------------------


@dataclass
class Key:
    name: bytes  # for a log's key: the origin
    id: bytes
    kind: int
    public: bytes


@dataclass
class Policy:
    logs: list
    witnesses: dict  # name in the policy -> Key
    groups: dict  # name -> (threshold, member names)
    quorum: bytes

    def is_met(self, cosigned, name=None):
        name = self.quorum if name is None else name
        if name == b"none":
            return True
        if name in self.witnesses:
            return name in cosigned
        threshold, members = self.groups[name]
        return sum(self.is_met(cosigned, member) for member in members) >= threshold


@dataclass
class Checkpoint:
    origin: str
    size: int
    root: bytes
    body: bytes  # what is signed
    signatures: list  # (name, key id, signature)


@dataclass
class Field:
    path: tuple | None  # None: hidden
    digest: bytes
    shown: bool


@dataclass
class Run:
    first: int
    leaves: list
    proof: list  # left to right
    events: list = field(default_factory=list)  # a list of Fields, or the word why it is gone

    @property
    def end(self):
        return self.first + len(self.leaves)


@dataclass
class Log:
    origin: str
    checkpoint: Checkpoint
    runs: list
    consistency: list = field(default_factory=list)  # (old size, proof)


@dataclass
class File:
    kind: str
    logs: list
    range: tuple | None = None  # (origin, first, count) where a range is claimed


@dataclass(frozen=True)
class Finding:
    row: int
    reason: str
    log: int | None = None
    seq: int | None = None
    detail: str = ""

    def rank(self):
        # A finding without log or seq concerns the whole and stands before those that have one.
        at = [-1 if n is None else n for n in (self.log, self.seq)]
        return WORST_FIRST.index(CLASS_OF[self.reason]), self.row, *at


# ---- The verdict -------------------------------------------------------------------------------


def judge(data, policy=None, need="named", required=(), saved=None):
    """Judges the bytes of one file; `required` holds path texts, `saved` a Checkpoint."""
    if saved and policy:
        check_saved(saved, policy)
    try:
        file = read_file(data)
    except Malformed as problem:
        return verdict([Finding(1, "malformed", detail=str(problem))])
    if file.kind != "evidence" and (saved or required):
        raise Usage(f"a {file.kind} is judged without a saved checkpoint or required paths: "
                    "it proves leaves alone")
    if saved and all(log.origin != saved.origin for log in file.logs):
        raise Usage(f"the saved checkpoint is of {saved.origin}, which the file does not hold")

    findings, rests_on = [], []
    if policy is None and not file.logs:
        findings.append(Finding(2, "unknown-log", detail="no policy was given"))
    for index, log in enumerate(file.logs):
        problems, rest = judge_signatures(index, log.checkpoint, policy)
        findings += problems
        findings += judge_tree(index, log)
        findings += judge_leaves(index, log)
        if file.kind == "evidence":
            findings += judge_events(index, log, need, required)
        # Without a policy nothing says that the saved one is genuine; row 2 says so.
        if saved and policy and log.origin == saved.origin:
            findings += judge_saved(index, log, saved)
            rest += f", saved checkpoint of size {saved.size}"
        rests_on.append(f"{log.origin}: {rest}")
    findings += judge_range(file)
    return verdict(findings, rests_on, withheld_counts(file))


def verdict(findings, rests_on=(), counts=None):
    answer = {"class": "verified", "reason": None, "row": 12, "log": None, "seq": None,
              "detail": "", "rests_on": list(rests_on)}
    findings = sorted(findings, key=Finding.rank)
    if findings:
        worst = findings[0]
        answer.update({"class": CLASS_OF[worst.reason], **vars(worst), "rests_on": []})
    others = [f"{f.reason} (row {f.row}, log {f.log}, seq {f.seq})" for f in findings[1:]]
    return {**answer, **(counts or {}), "other_findings": others}


def withheld_counts(file):
    events = [e for log in file.logs for run in log.runs for e in run.events]
    held = sum(not f.shown for e in events if not isinstance(e, str) for f in e)
    entries = sum(len(run.leaves) for log in file.logs for run in log.runs)
    gone = sum(isinstance(e, str) for e in events)
    return {"entries": entries, "values_withheld": held, "events_gone": gone}


def judge_signatures(index, checkpoint, policy):
    """Rows 2, 3 and 4, and the words for what the checkpoint rests on."""
    if policy is None:
        return [Finding(2, "unknown-log", index, detail="no policy was given")], ""
    findings = []
    log_keys = [key for key in policy.logs if key.name == checkpoint.origin.encode()]
    if not log_keys:
        findings.append(Finding(2, "unknown-log", index, detail=checkpoint.origin))
    cosigned, signed_by_log = {}, False
    keys = [(None, key) for key in policy.logs] + list(policy.witnesses.items())
    for name, key_id, signature in checkpoint.signatures:
        for witness, key in keys:
            if (key.name, key.id) != (name, key_id) or key.kind == NOTE_ML_DSA_44:
                continue
            time = signature_time(key, checkpoint.body, signature)
            if time is None:
                findings.append(Finding(3, "bad-signature", index, detail=name.decode()))
            elif witness is None:
                signed_by_log |= key in log_keys
            else:
                cosigned[witness] = max(time, cosigned.get(witness, 0))
    if log_keys and not signed_by_log:
        findings.append(Finding(2, "unknown-key", index, detail="no log key of the policy signed"))
    share = f"{len(cosigned)} of {len(policy.witnesses)} witnesses"
    if not policy.is_met(cosigned):
        findings.append(Finding(4, "quorum", index, detail=f"cosigned by {share}"))
    if not cosigned:
        return findings, "log's key only"
    return findings, f"{share}, newest {second(max(cosigned.values()))}"


def judge_tree(index, log):
    """Row 5: each run is in the checkpoint's tree."""
    checkpoint = log.checkpoint
    for run in log.runs:
        if run.end > checkpoint.size:
            detail = f"the checkpoint's tree has {checkpoint.size} leaves"
        elif run_root(checkpoint.size, run) != checkpoint.root:
            detail = "the proof does not lead to the checkpoint's root"
        else:
            continue
        yield Finding(5, "not-in-log", index, run.first, detail)


def judge_leaves(index, log):
    """Row 6: leaves of a known version, with rising times."""
    before = None
    for run in log.runs:
        for seq, leaf in enumerate(run.leaves, run.first):
            if not is_known_leaf(leaf):
                yield Finding(6, "leaf-version", index, seq, "the leaf is of another version")
                continue
            (time,) = struct.unpack(">q", leaf[1:9])
            if before is not None and time <= before:
                yield Finding(6, "time-order", index, seq, "not later than the entry before")
            before = time


def judge_events(index, log, need, required):
    """Rows 7, 8 and 9 for every event."""
    for run in log.runs:
        for seq, (leaf, event) in enumerate(zip(run.leaves, run.events), run.first):
            if isinstance(event, str):
                if need != "any" or required:
                    yield Finding(9, "withheld", index, seq, f"the event is gone: {event}")
                continue
            # A leaf of another version says nothing that could be compared with these fields.
            problem = digest_problem(log.origin, leaf, event) if is_known_leaf(leaf) else None
            if problem:
                yield Finding(7, "digest", index, seq, problem)
            problem = openings_problem(event)
            if problem:
                yield Finding(8, "two-openings", index, seq, problem)
            problem = withheld_problem(event, need, required)
            if problem:
                yield Finding(9, "withheld", index, seq, problem)


def digest_problem(origin, leaf, event):
    digests = sorted(f.digest for f in event)
    if len(set(digests)) < len(digests):
        return "two fields have one digest"
    if event_digest(origin, digests) != leaf[9:]:
        return "the fields do not give the digest in the leaf"
    return None


def openings_problem(event):
    paths = [f.path for f in event if f.path is not None]
    known = set(paths)
    if len(known) < len(paths):
        return "a path stands twice"
    containers = defaultdict(set)
    for path in paths:
        for depth, part in enumerate(path):
            if path[:depth] in known:
                return f"{path_text(path[:depth])} is both a value and a container"
            containers[path[:depth]].add(part)
    for container, parts in containers.items():
        indices = sorted(part for part in parts if isinstance(part, int))
        if indices and len(indices) < len(parts):
            return f"{path_text(container)} has both keys and indices"
        if len(paths) == len(event) and indices != list(range(len(indices))):
            return f"{path_text(container)} has a hole, and nothing is hidden"
    return None


def withheld_problem(event, need, required):
    hidden = sum(f.path is None for f in event)
    named = sorted(path_text(f.path) for f in event if f.path is not None and not f.shown)
    shown = {path_text(f.path) for f in event if f.shown}
    problems = []
    if hidden and need != "any":
        problems.append(f"{hidden} hidden")
    if named and need == "full":
        problems.append(f"{len(named)} named only: {' '.join(named)}")
    absent = [path for path in required if path not in shown]
    if absent:
        problems.append(f"required and not shown: {' '.join(absent)}")
    return "; ".join(problems)


def judge_range(file):
    """Row 10: a claimed range has no hole."""
    if file.range is None:
        return
    origin, first, count = file.range
    index = next((i for i, log in enumerate(file.logs) if log.origin == origin), None)
    seq = first
    for run in file.logs[index].runs if index is not None else []:
        if run.first <= seq < run.end:
            seq = run.end
    if seq < first + count:
        yield Finding(10, "missing", index, seq, "claimed, and in no run")


def check_saved(saved, policy):
    problems, _ = judge_signatures(None, saved, policy)
    if any(problem.row in (2, 3) for problem in problems):
        raise Usage("the saved checkpoint is not signed under the policy")


def judge_saved(index, log, saved):
    """Row 11: the checkpoint goes on from the one the judge saved."""
    checkpoint = log.checkpoint
    if saved.size == checkpoint.size:
        if saved.root != checkpoint.root:
            yield Finding(11, "fork", index, detail="one size, two roots")
        return
    proofs = [proof for old, proof in log.consistency if old == saved.size]
    if saved.size == 0 and not proofs:
        proofs = [[]]  # every tree goes on from the empty one
    if saved.size > checkpoint.size or not proofs:
        detail = f"no proof between sizes {saved.size} and {checkpoint.size}"
        yield Finding(11, "no-consistency", index, detail=detail)
    elif not all(is_consistent(saved, checkpoint, proof) for proof in proofs):
        yield Finding(11, "fork", index, detail="the consistency proof fails")


def second(time):
    if time > 253402300799:  # the last second of year 9999
        return str(time)
    return datetime.fromtimestamp(time, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


# ---- Digests and trees -------------------------------------------------------------------------


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def path_text(path):
    # json.dumps escapes strings as RFC 8785 does once non-ASCII characters are left alone.
    return json.dumps(list(path), ensure_ascii=False, separators=(",", ":"))


def commitment(salt, text):
    return sha256(b"\x02", salt, text.encode())


def field_digest(c, path):
    return sha256(b"\x03", c, path_text(path).encode())


def event_digest(origin, digests):
    name = origin.encode()
    head = b"\x04counterfoil/event/v1\x00" + struct.pack(">H", len(name)) + name
    return sha256(head, struct.pack(">I", len(digests)), *digests)


def is_known_leaf(leaf):
    return len(leaf) == LEAF_BYTES and leaf[0] == LEAF_VERSION


def leaf_hash(leaf):
    return sha256(b"\x00", leaf)


def node_hash(left, right):
    return sha256(b"\x01", left, right)


def split(size):
    """The largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def run_root(size, run):
    """The root that a run and its proof give for a tree of `size` leaves, or None."""
    rest = list(reversed(run.proof))

    def root(low, high):
        if high <= run.first or run.end <= low:
            return rest.pop()
        if high - low == 1:
            return leaf_hash(run.leaves[low - run.first])
        middle = low + split(high - low)
        return node_hash(root(low, middle), root(middle, high))

    try:
        top = root(0, size)
    except IndexError:  # the proof ran dry
        return None
    return None if rest else top


def left_to_right(size, index, siblings):
    """Orders an audit path, given from the leaf's sibling upwards, as a run has it."""
    low, high, on_the_left = 0, size, []
    while high - low > 1:
        middle = low + split(high - low)
        on_the_left.append(index >= middle)
        low, high = (middle, high) if index >= middle else (low, middle)
    if len(siblings) != len(on_the_left):
        return siblings  # too short or too long in any order
    downwards = list(zip(reversed(siblings), on_the_left))
    lefts = [sibling for sibling, left in downwards if left]
    return lefts + [sibling for sibling, left in reversed(downwards) if not left]


def is_consistent(old, new, proof):
    """RFC 6962 section 2.1.2: does `proof` lead from the old root to the new one?"""
    if old.size == 0:
        return not proof and old.root == EMPTY_TREE
    rest = list(reversed(proof))

    def roots(old_size, size, is_old_tree):
        if old_size == size:
            same = old.root if is_old_tree else rest.pop()
            return same, same
        middle = split(size)
        if old_size <= middle:
            before, after = roots(old_size, middle, is_old_tree)
            return before, node_hash(after, rest.pop())
        before, after = roots(old_size - middle, size - middle, False)
        left = rest.pop()
        return node_hash(left, before), node_hash(left, after)

    try:
        return roots(old.size, new.size, True) == (old.root, new.root) and not rest
    except IndexError:
        return False


# ---- Row 1: reading files strictly --------------------------------------------------------------

# One RFC 8785 scalar, or an empty container. Numbers are matched by form only: a verifier never
# formats one, and a number that is spelled otherwise than it was hashed fails row 7.
TEXT = re.compile(
    r"true|false|null|\{\}|\[\]"
    r"|-?(0|[1-9][0-9]*)(\.[0-9]+)?(e[+-][0-9]+)?"
    r'|"(?:[^"\\\x00-\x1f]|\\["\\bfnrt]|\\u00(?:0[0-7bef]|1[0-9a-f]))*"'
)
DECIMAL = re.compile(r"0|[1-9][0-9]*")
TLOG_PROOF = b"c2sp.org/tlog-proof@v1"


class OtherNumber:
    """A number that is no integer from 0 to 2^53-1. Only `remarks` may hold one."""


def read_file(data):
    if data.split(b"\n", 1)[0] == TLOG_PROOF:
        return read_tlog_proof(data)
    value = strict_json(data)
    kind = value.get("format") if isinstance(value, dict) else None
    if kind == "counterfoil.evidence/v1":
        return read_evidence(value)
    if kind == "counterfoil.receipt/v1":
        return read_receipt(value)
    raise Malformed("neither evidence, receipt nor tlog-proof")


def read_evidence(value):
    members(value, "file", ["format", "claim", "logs", "runs"], ["remarks"])
    if not isinstance(value.get("remarks", {}), dict):
        raise Malformed("remarks: not an object")
    claim = value["claim"]
    claimed = None
    if isinstance(claim, dict) and claim.get("kind") == "range":
        members(claim, "claim", ["kind", "origin", "first", "count"])
        claimed = (string(claim["origin"], "claim.origin"),
                   integer(claim["first"], "claim.first"), integer(claim["count"], "claim.count"))
        if claimed[2] == 0:
            raise Malformed("claim.count: a range holds at least one entry")
    elif claim != {"kind": "events"}:
        raise Malformed("claim: neither events nor range")
    logs = [read_evidence_log(log, f"logs[{i}]") for i, log in array(value["logs"], "logs")]
    one_entry_per_origin(logs)
    before = 0
    for i, entry in array(value["runs"], "runs"):
        where = f"runs[{i}]"
        members(entry, where, ["log", "first", "leaves", "proof", "events"])
        log = integer(entry["log"], where)
        if not before <= log < len(logs):
            raise Malformed(f"{where}: no such log, or not in order")
        before = log
        run = read_run(entry, where)
        run.events = [read_event(e, f"{where}.events[{j}]")
                      for j, e in array(entry["events"], where)]
        if len(run.events) != len(run.leaves):
            raise Malformed(f"{where}: not one entry of events for each leaf")
        append_run(logs[log].runs, run, where)
    return File("evidence", logs, claimed)


def read_evidence_log(value, where):
    members(value, where, ["origin", "checkpoint"], ["vkeys", "policy", "consistency"])
    for _, vkey in array(value.get("vkeys", []), where):
        string(vkey, where)
    string(value.get("policy", ""), where)
    log = read_log(value, where)
    for _, entry in array(value.get("consistency", []), where):
        members(entry, where, ["old", "proof"])
        log.consistency.append((integer(entry["old"], where), hashes(entry["proof"], where)))
    return log


def read_log(value, where):
    origin = string(value["origin"], where)
    checkpoint = read_checkpoint(string(value["checkpoint"], where))
    if origin != checkpoint.origin:
        raise Malformed(f"{where}: the checkpoint is of another origin")
    return Log(origin, checkpoint, [])


def read_run(value, where):
    first = integer(value["first"], where)
    leaves = [unbase64(leaf, where) for _, leaf in array(value["leaves"], where)]
    if not leaves or first + len(leaves) >= INTEGER_LIMIT:
        raise Malformed(f"{where}: a run has at least one leaf, below 2^53")
    return Run(first, leaves, hashes(value["proof"], where))


def append_run(runs, run, where):
    if runs and run.first <= runs[-1].end:
        raise Malformed(f"{where}: runs of one log ascend and do not touch")
    runs.append(run)


def one_entry_per_origin(logs):
    if len({log.origin for log in logs}) < len(logs):
        raise Malformed("logs: two entries with one origin")


def read_event(value, where):
    if isinstance(value, dict) and "gone" in value:
        members(value, where, ["gone"])
        if value["gone"] not in ("expired", "withheld"):
            raise Malformed(f"{where}.gone: neither expired nor withheld")
        return value["gone"]
    members(value, where, ["fields"])
    return [read_field(f, f"{where}.fields[{i}]") for i, f in array(value["fields"], where)]


def read_field(value, where):
    if isinstance(value, dict) and "digest" in value:
        members(value, where, ["digest"])
        return Field(None, unbase64(value["digest"], where, 32), False)
    if isinstance(value, dict) and "commitment" in value:
        members(value, where, ["path", "commitment"])
        path = read_path(value["path"], where)
        return Field(path, field_digest(unbase64(value["commitment"], where, 32), path), False)
    members(value, where, ["path", "text", "salt"])
    path, text = read_path(value["path"], where), string(value["text"], where)
    if not TEXT.fullmatch(text):
        raise Malformed(f"{where}.text: not one RFC 8785 scalar, {{}} or []")
    salt = unbase64(value["salt"], where, 16)
    return Field(path, field_digest(commitment(salt, text), path), True)


def read_path(value, where):
    return tuple(part if isinstance(part, str) else integer(part, f"{where}.path")
                 for _, part in array(value, f"{where}.path"))


def read_receipt(value):
    members(value, "file", ["format", "events", "logs"])
    logs = []
    for i, entry in array(value["logs"], "logs"):
        where = f"logs[{i}]"
        members(entry, where, ["origin", "checkpoint", "runs"])
        log = read_log(entry, where)
        for _, run in array(entry["runs"], where):
            members(run, where, ["first", "leaves", "proof"])
            append_run(log.runs, read_run(run, where), where)
        logs.append(log)
    one_entry_per_origin(logs)
    entries = [read_receipt_entry(e, f"events[{i}]", logs)
               for i, e in array(value["events"], "events")]
    named = {entry for entry in entries if entry is not None}
    held = {(i, seq) for i, log in enumerate(logs)
            for run in log.runs for seq in range(run.first, run.end)}
    if named != held:
        raise Malformed("the runs do not cover exactly the seqs named")
    return File("receipt", logs)


def read_receipt_entry(value, where, logs):
    """The (log, seq) that an entry names, None for a refusal."""
    if isinstance(value, dict) and "refused" in value:
        members(value, where, ["refused"])
        members(value["refused"], where, ["code", "path", "reason"])
        for word in value["refused"].values():
            string(word, where)
        return None
    members(value, where, ["log", "seq"], ["duplicate", "id", "conflict"])
    if value.get("duplicate", True) is not True:
        raise Malformed(f"{where}.duplicate: stands only when true")
    string(value.get("id", ""), where)
    places = [value]
    if "conflict" in value:
        places.append(members(value["conflict"], where, ["log", "seq"]))
    for place in places:
        integer(place["seq"], where)
        if integer(place["log"], where) >= len(logs):
            raise Malformed(f"{where}: no such log")
    return value["log"], value["seq"]


def read_tlog_proof(data):
    head, _, note = utf8(data).partition("\n\n")
    lines = head.split("\n")[1:]
    if len(lines) < 2 or not lines[0].startswith("extra ") or not lines[1].startswith("index "):
        raise Malformed("a tlog-proof of ours has the lines extra and index")
    leaf = unbase64(lines[0].removeprefix("extra "), "extra")
    index = decimal(lines[1].removeprefix("index "), "index")
    siblings = [unbase64(line, "proof", 32) for line in lines[2:]]
    checkpoint = read_checkpoint(note)
    if index < checkpoint.size:
        siblings = left_to_right(checkpoint.size, index, siblings)
    return File("tlog-proof", [Log(checkpoint.origin, checkpoint, [Run(index, [leaf], siblings)])])


def read_checkpoint(text):
    """A signed note whose body is origin, size and root, and nothing else."""
    if any(char < " " and char != "\n" for char in text):
        raise Malformed("checkpoint: control character")
    body, blank, signatures = text.rpartition("\n\n")
    if not blank or not signatures.endswith("\n"):
        raise Malformed("checkpoint: not a signed note")
    lines = body.split("\n")
    if len(lines) != 3 or not lines[0] or len(lines[0].encode()) > ORIGIN_BYTES_MAX:
        raise Malformed("checkpoint: the body is not origin, size and root")
    return Checkpoint(lines[0], decimal(lines[1], "checkpoint"),
                      unbase64(lines[2], "checkpoint", 32), (body + "\n").encode(),
                      [read_signature(line) for line in signatures[:-1].split("\n")])


def read_signature(line):
    parts = line.removeprefix("\u2014 ").split(" ")
    if not line.startswith("\u2014 ") or len(parts) != 2 or not is_key_name(parts[0]):
        raise Malformed("checkpoint: not a signature line")
    value = unbase64(parts[1], "signature line")
    if len(value) < 5:
        raise Malformed("checkpoint: a signature line without signature")
    return parts[0].encode(), value[:4], value[4:]


def is_key_name(name):
    return name != "" and "+" not in name and not any(char.isspace() for char in name)


def strict_json(data):
    try:
        value = json.loads(utf8(data), object_pairs_hook=unique_members, parse_int=number,
                           parse_float=lambda _: OtherNumber(), parse_constant=refuse_constant)
        # A lone surrogate can only come from an escape; it has no UTF-8 and fails here.
        json.dumps(value, ensure_ascii=False, default=lambda _: None).encode()
    except (ValueError, RecursionError) as problem:
        raise Malformed(f"not strict JSON: {problem}") from None
    return value


def utf8(data):
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("not UTF-8") from None
    if text.startswith("\ufeff"):
        raise Malformed("byte order mark")
    return text


def unique_members(pairs):
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("duplicate key")
    return value


def refuse_constant(name):
    raise ValueError(name)


def number(token):
    return int(token) if DECIMAL.fullmatch(token) and is_small(token) else OtherNumber()


def is_small(token):
    return len(token) <= 16 and int(token) < INTEGER_LIMIT


def decimal(text, where):
    if not DECIMAL.fullmatch(text) or not is_small(text):
        raise Malformed(f"{where}: not a decimal number below 2^53")
    return int(text)


def members(value, where, needed, optional=()):
    if not isinstance(value, dict):
        raise Malformed(f"{where}: not an object")
    for name in needed:
        if name not in value:
            raise Malformed(f"{where}: {name} is missing")
    for name in value:
        if name not in needed and name not in optional:
            raise Malformed(f"{where}: unknown member {name}")
    return value


def array(value, where):
    if not isinstance(value, list):
        raise Malformed(f"{where}: not an array")
    return enumerate(value)


def string(value, where):
    if not isinstance(value, str):
        raise Malformed(f"{where}: not a string")
    return value


def integer(value, where):
    if not isinstance(value, int) or isinstance(value, bool):
        raise Malformed(f"{where}: not an integer from 0 to 2^53-1")
    return value


def hashes(value, where):
    return [unbase64(item, where, 32) for _, item in array(value, where)]


def unbase64(value, where, size=None):
    try:
        data = base64.b64decode(string(value, where).encode("ascii"), validate=True)
    except ValueError:
        raise Malformed(f"{where}: bad base64") from None
    # Encoding again finds what the decoder lets pass: stray bits before the padding.
    if base64.b64encode(data).decode() != value:
        raise Malformed(f"{where}: bad base64")
    if size is not None and len(data) != size:
        raise Malformed(f"{where}: not {size} bytes")
    return data


# ---- What the judge brings ----------------------------------------------------------------------


def read_policy(data):
    """tlog-policy text. Names are bytes: the format has no opinion on their encoding."""
    if any(byte < 0x20 and byte not in (0x09, 0x0A) or byte == 0x7F for byte in data):
        raise Usage("policy: control character")
    policy = Policy([], {}, {}, b"")
    members_used = set()
    for line_number, line in enumerate(data.split(b"\n"), 1):
        words = re.split(rb"[ \t]+", line.strip(b" \t"))
        if words == [b""] or words[0].startswith(b"#"):
            continue
        try:
            read_policy_line(policy, words, members_used)
        except Usage as problem:
            raise Usage(f"policy, line {line_number}: {problem}") from None
    if not policy.quorum:
        raise Usage("policy: no quorum line")
    return policy


def read_policy_line(policy, words, members_used):
    kind, *rest = words
    if kind == b"log" and len(rest) in (1, 2):
        add_key(policy.logs, read_vkey(rest[0], NOTE_ED25519))
    elif kind == b"witness" and len(rest) in (2, 3):
        new_name(policy, rest[0])
        key = read_vkey(rest[1], NOTE_COSIGNATURE)
        add_key(list(policy.witnesses.values()), key)
        policy.witnesses[rest[0]] = key
    elif kind == b"group" and len(rest) >= 3:
        name, threshold, *group = rest
        new_name(policy, name)
        for member in group:
            known_name(policy, member)
            if member in members_used:
                raise Usage(f"{member!r} is a member twice")
            members_used.add(member)
        policy.groups[name] = (read_threshold(threshold, len(group)), group)
    elif kind == b"quorum" and len(rest) == 1:
        if policy.quorum:
            raise Usage("a second quorum line")
        if rest[0] != b"none":
            known_name(policy, rest[0])
        policy.quorum = rest[0]
    else:
        raise Usage("not a log, witness, group or quorum line")


def add_key(keys, key):
    if any(other.public == key.public for other in keys):
        raise Usage("a key listed twice")
    keys.append(key)


def new_name(policy, name):
    if name == b"none" or name in policy.witnesses or name in policy.groups:
        raise Usage(f"{name!r} is taken")


def known_name(policy, name):
    if name not in policy.witnesses and name not in policy.groups:
        raise Usage(f"{name!r} is not defined above")


def read_threshold(word, count):
    if word in (b"any", b"all"):
        return 1 if word == b"any" else count
    if not re.fullmatch(rb"[1-9][0-9]{0,8}", word) or int(word) > count:
        raise Usage("a threshold is any, all, or from 1 to the number of members")
    return int(word)


def read_vkey(text, kind):
    """`<name>+<key id, 8 hex>+<base64 of type and public key>`; ML-DSA-44 is allowed besides."""
    # A key name has no plus, but the base64 may: split at the first two.
    parts = text.split(b"+", 2)
    try:
        name, key_id, data = parts[0], bytes.fromhex(parts[1].decode()), unbase64(
            parts[2].decode(), "vkey")
        is_name = is_key_name(name.decode())
    except (IndexError, ValueError, Malformed):
        raise Usage("not a vkey") from None
    if not is_name or not re.fullmatch(rb"[0-9a-f]{8}", parts[1]) or not data:
        raise Usage("not a vkey")
    if data[0] not in (kind, NOTE_ML_DSA_44) or len(data) - 1 != PUBLIC_KEY_BYTES[data[0]]:
        raise Usage("vkey: a key type or length that does not serve here")
    if sha256(name, b"\n", data)[:4] != key_id:
        raise Usage("vkey: the key id does not belong to this name and key")
    if data[0] != NOTE_ML_DSA_44 and decode_point(data[1:]) is None:
        raise Usage("vkey: not a point of the curve")
    return Key(name, key_id, data[0], data[1:])


def signature_time(key, body, signature):
    """The time of a good cosignature, 0 for a good log signature, None for a bad one."""
    if key.kind == NOTE_ED25519:
        return 0 if ed25519_verify(key.public, body, signature) else None
    if len(signature) != 8 + 64:
        return None
    (time,) = struct.unpack(">Q", signature[:8])
    message = b"cosignature/v1\ntime %d\n" % time + body
    return time if time < 1 << 63 and ed25519_verify(key.public, message, signature[8:]) else None


# ---- Ed25519, RFC 8032 section 5.1.7 -------------------------------------------------------------
# Points are (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z. Nothing here is secret, so nothing needs
# to take constant time.

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493  # order of the base point
D = -121665 * pow(121666, -1, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
NEUTRAL = (0, 1, 1, 0)


def ed25519_verify(public, message, signature):
    """Strict: S below L, canonical encodings, no point of small order."""
    if len(signature) != 64:
        return False
    a, r = decode_point(public), decode_point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L or has_small_order(a) or has_small_order(r):
        return False
    digest = hashlib.sha512(signature[:32] + public + message).digest()
    k = int.from_bytes(digest, "little") % L
    return same_point(multiply(s, BASE), add(r, multiply(k, a)))


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(scalar, point):
    total = NEUTRAL
    while scalar:
        if scalar & 1:
            total = add(total, point)
        point, scalar = add(point, point), scalar >> 1
    return total


def same_point(p, q):
    return (p[0] * q[2] - q[0] * p[2]) % P == 0 and (p[1] * q[2] - q[1] * p[2]) % P == 0


def has_small_order(point):
    return same_point(multiply(8, point), NEUTRAL)


def decode_point(data):
    """The point, or None: y not below P, not on the curve, or a sign for x = 0."""
    value = int.from_bytes(data, "little")
    y, sign = value & ((1 << 255) - 1), value >> 255
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * ROOT_OF_MINUS_ONE % P
    if x * x % P != square or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = decode_point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


# ---- Self-test over the vectors ------------------------------------------------------------------


def self_test(folder):
    """Recomputes every vector; returns the list of what differs."""
    wrong = []
    for name in ("v1", "v2", "v3", "v3b", "v4"):
        vector = json.loads((folder / f"{name}.json").read_text("utf-8"))
        wrong += [f"{name}: {problem}" for problem in check_vector(vector)]
    wrong += check_numbers(json.loads((folder / "numbers.json").read_text("utf-8")))
    wrong += check_trees(json.loads((folder / "trees.json").read_text("utf-8")))
    wrong += check_frames(json.loads((folder / "frame.json").read_text("utf-8")))
    cases = json.loads((folder / "verdicts" / "MANIFEST.json").read_text("utf-8"))
    for case in cases:
        got = judge_case(folder / "verdicts", case)
        want = (case["class"], case["reason"], case["seq"], case["exit"])
        if got != want:
            wrong.append(f"{case['file']}: expected {want}, got {got}")
    print(f"{len(cases)} verdicts, {len(wrong)} differences")
    return wrong


def judge_case(folder, case):
    try:
        policy = read_policy(case["policy"].encode()) if case["policy"] is not None else None
        saved = read_saved(case["saved"]) if case["saved"] is not None else None
        required = [path_text(path) for path in case["required"]]
        answer = judge((folder / case["file"]).read_bytes(), policy, case["need"], required, saved)
    except Usage:
        return "usage", None, None, EXIT["usage"]
    return answer["class"], answer["reason"], answer["seq"], EXIT[answer["class"]]


def check_vector(vector):
    origin = vector.get("origin", "")
    for entry in vector.get("fields", []):
        path = tuple(json.loads(entry["path"]))
        got = commitment(bytes.fromhex(entry["salt"]), entry["text"])
        if path_text(path) != entry["path"] or not TEXT.fullmatch(entry["text"]):
            yield f"{entry['path']}: not canonical"
        if (got.hex(), field_digest(got, path).hex()) != (entry["commitment"], entry["digest"]):
            yield f"{entry['path']}: commitment or digest"
    if "event_digest" in vector:
        digests = sorted(bytes.fromhex(entry["digest"]) for entry in vector["fields"])
        digest = event_digest(origin, digests)
        leaf = b"\x01" + struct.pack(">q", int(vector["recorded_at"])) + digest
        got = digest.hex(), leaf.hex(), leaf_hash(leaf).hex()
        if got != (vector["event_digest"], vector["leaf_data"], vector["leaf_hash"]):
            yield "event digest, leaf data or leaf hash"
    leaves = [bytes.fromhex(leaf) for leaf in vector.get("leaves", [])]
    for entry in vector.get("runs", []):
        run = Run(entry["first"], leaves[entry["first"]:entry["end"]],
                  [bytes.fromhex(item) for item in entry["proof"]])
        upwards = [bytes.fromhex(item) for item in entry.get("tlog_proof", [])]
        if (run_root(len(leaves), run) or b"").hex() != vector["root"]:
            yield f"run {entry['first']}"
        if upwards and left_to_right(len(leaves), run.first, upwards) != run.proof:
            yield f"tlog-proof {entry['first']}"
    if "checkpoint" in vector:
        key = read_vkey(vector["vkey"].encode(), NOTE_ED25519)
        checkpoint = read_checkpoint(vector["checkpoint"])
        if signature_time(key, checkpoint.body, checkpoint.signatures[0][2]) is None:
            yield "signature"


def check_numbers(vector):
    for entry in vector["accepted"]:
        token, text = entry["token"], entry["text"]
        if not TEXT.fullmatch(text) or float(text) != float(token):
            yield f"numbers: {token}"
    for entry in vector["refused"]:
        token = entry["token"]
        integral = re.fullmatch(r"-?(0|[1-9][0-9]*)", token)
        if integral and abs(int(token)) < INTEGER_LIMIT:
            yield f"numbers: {token} should be accepted"


def check_trees(vector):
    def leaf(i):
        return b"\x01" + struct.pack(">q", i + 1) + sha256(str(i).encode())

    for tree in vector["trees"]:
        size = tree["size"]
        whole = Run(0, [leaf(i) for i in range(size)], [])
        root = run_root(size, whole) if size else EMPTY_TREE
        if root.hex() != tree["root"]:
            yield f"tree of {size}: root"
        for entry in tree["runs"]:
            first, end = entry["first"], entry["end"]
            proof = [bytes.fromhex(item) for item in entry["proof"]]
            if run_root(size, Run(first, whole.leaves[first:end], proof)) != root:
                yield f"tree of {size}: run {first}"


def check_frames(vector):
    key, folder = bytes.fromhex(vector["key"]), bytes.fromhex(vector["folder"])
    for nth, entry in enumerate(vector["frames"]):
        frame, mark = bytes.fromhex(entry["frame"]), bytes.fromhex(entry["mark"])
        said = (b"CFRM", len(frame), entry["file"], entry["number"], int(entry["written_at"]),
                entry["before"], entry["sections"], 3 if entry["copied"] else 2, mark, 0)
        if struct.unpack(">4sIQQqIHH16sI", frame[:60]) != said:
            yield f"frame {nth}: header"
        if frame[64:-4] != bytes.fromhex(entry["body"]):
            yield f"frame {nth}: body"
        for end in (64, len(frame)):
            if struct.pack(">I", crc32c(frame[:end - 4])) != frame[end - 4:end]:
                yield f"frame {nth}: CRC before byte {end}"
        plain = frame[:40] + bytes(24) + frame[64:-4] + bytes(4)
        whole = hmac.new(key, b"counterfoil/frame/v1\0" + folder + plain, hashlib.sha256)
        if whole.digest()[:16] != mark:
            yield f"frame {nth}: mark"


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC32C[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def crc32c_of_byte(byte):
    for _ in range(8):
        byte = byte >> 1 ^ 0x82F63B78 * (byte & 1)
    return byte


CRC32C = [crc32c_of_byte(byte) for byte in range(256)]


# ---- Command line --------------------------------------------------------------------------------


def main():
    arguments = argparse.ArgumentParser(description="verify Counterfoil proofs offline")
    arguments.add_argument("file", nargs="?")
    keys = arguments.add_mutually_exclusive_group()
    keys.add_argument("--key", help="vkeys of logs, one a line; no witnesses are asked for")
    keys.add_argument("--policy", help="file with a tlog-policy")
    arguments.add_argument("--need", choices=NEEDS, default="named")
    arguments.add_argument("--require", action="append", default=[], metavar="JSONPATHARRAY")
    arguments.add_argument("--saved", help="file with a checkpoint saved earlier")
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--self-test", action="store_true")
    options = arguments.parse_args()
    if options.self_test:
        wrong = self_test(Path(__file__).resolve().parent / "vectors")
        print("\n".join(wrong), end="\n" if wrong else "")
        return 1 if wrong else 0
    try:
        if options.file is None:
            raise Usage("no file given")
        answer = judge(*read_options(options))
    except (Usage, OSError, UnicodeError) as problem:
        print(f"usage: {problem}", file=sys.stderr)
        return EXIT["usage"]
    print(json.dumps(answer, indent=1, ensure_ascii=False) if options.json else words(answer))
    return EXIT[answer["class"]]


def read_options(options):
    policy, saved = None, None
    if options.key is not None:
        logs = [b"log %s\n" % key.encode() for key in options.key.splitlines() if key]
        policy = read_policy(b"".join(logs) + b"quorum none\n")
    elif options.policy is not None:
        policy = read_policy(Path(options.policy).read_bytes())
    if options.saved is not None:
        saved = read_saved(Path(options.saved).read_bytes().decode())
    try:
        required = [path_text(read_path(strict_json(r.encode()), "--require"))
                    for r in options.require]
    except Malformed as problem:
        raise Usage(str(problem)) from None
    return Path(options.file).read_bytes(), policy, options.need, required, saved


def read_saved(text):
    try:
        return read_checkpoint(text)
    except Malformed as problem:
        raise Usage(f"saved {problem}") from None


def counted(number, one, more):
    return f"{number} {one if number == 1 else more}"


def words(answer):
    if answer["class"] == "verified":
        counts = ", ".join([counted(answer["entries"], "entry", "entries"),
                            counted(answer["values_withheld"], "value", "values") + " withheld",
                            counted(answer["events_gone"], "event", "events") + " gone"])
        return "\n".join(["verified: " + counts, *(f"rests on {r}" for r in answer["rests_on"])])
    place = "".join(f", {name} {answer[name]}" for name in ("log", "seq")
                    if answer[name] is not None)
    lines = [f"{answer['class']}: {answer['reason']}{place}: {answer['detail']}"]
    return "\n".join(lines + [f"also {other}" for other in answer["other_findings"]])


if __name__ == "__main__":
    sys.exit(main())
