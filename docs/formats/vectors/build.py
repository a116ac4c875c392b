"""The writing side of the formats, for the vectors: hashes, trees, keys, notes, evidence.

Shares no code with ../verify.py, so that an error in one is not repeated in the other. Everything
is deterministic: keys come from fixed seeds, salts from hashes.
"""

import base64
import hashlib
import hmac
import json
import math
import re
from decimal import Decimal


def b64(data):
    return base64.b64encode(data).decode()


def sha256(data):
    return hashlib.sha256(data).digest()


# ---- Texts: paths and scalars after RFC 8785 -----------------------------------------------------

SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f",
                 "\r": "\\r"}


def quoted(string):
    out = []
    for char in string:
        if char in SHORT_ESCAPES:
            out.append(SHORT_ESCAPES[char])
        else:
            out.append(f"\\u{ord(char):04x}" if ord(char) < 0x20 else char)
    return '"' + "".join(out) + '"'


def path_text(path):
    return "[" + ",".join(quoted(p) if isinstance(p, str) else str(p) for p in path) + "]"


def number_text(token):
    """The canonical text of a JSON number token; ValueError where admission refuses it."""
    if not re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", token):
        raise ValueError("not a JSON number")
    if not re.search(r"[.eE]", token):
        if abs(int(token)) > 2**53 - 1:
            raise ValueError("an integer beyond 2^53-1")
        return str(int(token))
    value = float(token)
    if not math.isfinite(value):
        raise ValueError("no finite double is near")
    return double_text(value)


def double_text(value):
    """ECMAScript's form of a double, which RFC 8785 asks for."""
    if value == 0:
        return "0"
    # repr gives the shortest digits that read back as the same double; only the form is ours.
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    digits = "".join(map(str, digits))
    exponent += len(digits)  # value = 0.digits * 10^exponent
    digits = digits.rstrip("0")
    if len(digits) <= exponent <= 21:
        text = digits + "0" * (exponent - len(digits))
    elif 0 < exponent <= 21:
        text = digits[:exponent] + "." + digits[exponent:]
    elif -6 < exponent <= 0:
        text = "0." + "0" * -exponent + digits
    else:
        mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
        text = f"{mantissa}e{exponent - 1:+d}"
    return ("-" if sign else "") + text


class Token(str):
    """A number as it stood in the JSON text."""


def flatten(event_json):
    """The fields of an event given as JSON text: (path, text), in the order of their path texts."""
    fields = []

    def walk(path, value):
        if isinstance(value, dict) and value:
            for key, item in value.items():
                walk(path + (key,), item)
        elif isinstance(value, list) and value:
            for index, item in enumerate(value):
                walk(path + (index,), item)
        else:
            fields.append((path, scalar_text(value)))

    walk((), json.loads(event_json, parse_int=Token, parse_float=Token))
    return sorted(fields, key=lambda f: path_text(f[0]).encode())


def scalar_text(value):
    if isinstance(value, Token):
        return number_text(value)
    if isinstance(value, str):
        return quoted(value)
    return {"None": "null", "True": "true", "False": "false"}.get(str(value), str(value))


# ---- Digest and leaf -----------------------------------------------------------------------------


def commitment(salt, text):
    return sha256(b"\x02" + salt + text.encode())


def field_digest(c, path):
    return sha256(b"\x03" + c + path_text(path).encode())


def event_digest(origin, digests):
    origin = origin.encode()
    return sha256(b"\x04" + b"counterfoil/event/v1" + b"\x00" + len(origin).to_bytes(2, "big")
                  + origin + len(digests).to_bytes(4, "big") + b"".join(sorted(digests)))


def leaf_data(time, digest):
    return b"\x01" + time.to_bytes(8, "big", signed=True) + digest


# ---- Trees ---------------------------------------------------------------------------------------


class Tree:
    """All aligned subtrees of a list of leaves, so that proofs of large trees cost little."""

    def __init__(self, leaves):
        self.leaves = leaves
        self.memo = {}

    def hash(self, low, high):
        if high == low:
            return sha256(b"")
        if high - low == 1:
            return sha256(b"\x00" + self.leaves[low])
        if (low, high) not in self.memo:
            middle = low + below(high - low)
            both = self.hash(low, middle) + self.hash(middle, high)
            self.memo[low, high] = sha256(b"\x01" + both)
        return self.memo[low, high]

    def root(self, size=None):
        return self.hash(0, len(self.leaves) if size is None else size)

    def run_proof(self, first, end, size=None):
        def walk(low, high):
            if high <= first or end <= low:
                return [self.hash(low, high)]
            if high - low == 1:
                return []
            middle = low + below(high - low)
            return walk(low, middle) + walk(middle, high)

        return walk(0, len(self.leaves) if size is None else size)

    def audit_path(self, index, size):
        """RFC 6962 section 2.1.1: from the leaf's sibling up to the root's child."""
        def walk(low, high):
            if high - low == 1:
                return []
            middle = low + below(high - low)
            if index < middle:
                return walk(low, middle) + [self.hash(middle, high)]
            return walk(middle, high) + [self.hash(low, middle)]

        return walk(0, size)

    def consistency(self, old, size):
        """RFC 6962 section 2.1.2."""
        def walk(low, high, old, whole):
            if old == high - low:
                return [] if whole else [self.hash(low, high)]
            half = below(high - low)
            if old <= half:
                return walk(low, low + half, old, whole) + [self.hash(low + half, high)]
            rest = walk(low + half, high, old - half, False)
            return rest + [self.hash(low, low + half)]

        return walk(0, size, old, True)


def below(size):
    half = 1
    while half * 2 < size:
        half *= 2
    return half


# ---- Keys and notes ------------------------------------------------------------------------------

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE_D = -121665 * pow(121666, PRIME - 2, PRIME) % PRIME
BASE_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202
BASE_Y = 46316835694926478169428394003475163141307993866256225615783033603165251855960


class Key:
    """An Ed25519 key with a note name; kind 1 signs as a log, kind 4 as a witness."""

    def __init__(self, name, seed, kind=1):
        self.name, self.kind = name, kind
        expanded = hashlib.sha512(seed).digest()
        clamped = int.from_bytes(expanded[:32], "little") & ((1 << 254) - 8) | 1 << 254
        self.secret, self.prefix = clamped, expanded[32:]
        self.public = encode(times(clamped, (BASE_X, BASE_Y)))
        tagged = bytes([kind]) + self.public
        self.id = sha256(name.encode() + b"\n" + tagged)[:4]
        self.vkey = f"{name}+{self.id.hex()}+{b64(tagged)}"

    def sign(self, message):
        r = int.from_bytes(hashlib.sha512(self.prefix + message).digest(), "little") % ORDER
        point = encode(times(r, (BASE_X, BASE_Y)))
        challenge = hashlib.sha512(point + self.public + message).digest()
        s = (r + int.from_bytes(challenge, "little") * self.secret) % ORDER
        return point + s.to_bytes(32, "little")

    def line(self, body, time=None):
        """A signature line for a note's body; a witness also says when."""
        if self.kind == 1:
            return self.raw_line(self.sign(body.encode()))
        message = f"cosignature/v1\ntime {time}\n{body}".encode()
        return self.raw_line(time.to_bytes(8, "big") + self.sign(message))

    def raw_line(self, signature):
        return f"\u2014 {self.name} {b64(self.id + signature)}\n"


def plus(p, q):
    """Affine addition. An inversion each time: slow, plain, and enough for a few signatures."""
    (x1, y1), (x2, y2) = p, q
    product = CURVE_D * x1 * x2 * y1 * y2 % PRIME
    x = (x1 * y2 + x2 * y1) * pow(1 + product, -1, PRIME) % PRIME
    y = (y1 * y2 + x1 * x2) * pow(1 - product, -1, PRIME) % PRIME
    return x, y


def times(scalar, point):
    result = (0, 1)
    for bit in bin(scalar)[2:]:
        result = plus(result, result)
        if bit == "1":
            result = plus(result, point)
    return result


def encode(point):
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def body(origin, size, root):
    return f"{origin}\n{size}\n{b64(root)}\n"


# ---- Logs and evidence ---------------------------------------------------------------------------


class Log:
    """A small log: a list of events, each a list of (path, text), with one leaf per event.

    Event i is recorded at `start + i`. Its fields' salts are hashes of origin, seq and place.
    """

    def __init__(self, origin, key, events, start=1767323045000000000):
        self.origin, self.key = origin, key
        self.events = [[(path, text, self.salt(seq, i)) for i, (path, text) in enumerate(event)]
                       for seq, event in enumerate(events)]
        self.leaves = [leaf_data(start + seq, self.digest(event))
                       for seq, event in enumerate(self.events)]

    def salt(self, seq, place):
        return sha256(f"counterfoil verdict salt {self.origin} {seq} {place}".encode())[:16]

    def digest(self, event):
        return event_digest(self.origin, [field_digest(commitment(s, t), p) for p, t, s in event])

    @property
    def tree(self):
        return Tree(self.leaves)

    def note(self, size=None, cosign=(), root=None):
        """The checkpoint of `size` leaves; `cosign` lists (witness, time)."""
        size = len(self.leaves) if size is None else size
        text = body(self.origin, size, self.tree.root(size) if root is None else root)
        lines = self.key.line(text) + "".join(w.line(text, time) for w, time in cosign)
        return text + "\n" + lines

    def run(self, first, end, size=None, log=None, forms=None):
        """A run as JSON; `forms` gives per field place how it is disclosed (default: shown)."""
        run = {} if log is None else {"log": log}
        run["first"] = first
        run["leaves"] = [b64(leaf) for leaf in self.leaves[first:end]]
        run["proof"] = [b64(h) for h in self.tree.run_proof(first, end, size)]
        if log is not None:
            run["events"] = [self.disclosed(event, forms or {}) for event in self.events[first:end]]
        return run

    def disclosed(self, event, forms):
        return {"fields": [disclose(*f, forms.get(i, "shown")) for i, f in enumerate(event)]}


def disclose(path, text, salt, form):
    c = commitment(salt, text)
    if form == "shown":
        return {"path": list(path), "text": text, "salt": b64(salt)}
    if form == "named":
        return {"path": list(path), "commitment": b64(c)}
    return {"digest": b64(field_digest(c, path))}


def evidence(logs, runs, claim=None):
    return {"format": "counterfoil.evidence/v1", "claim": claim or {"kind": "events"},
            "logs": [{"origin": log.origin, "checkpoint": note} for log, note in logs],
            "runs": runs}


def receipt(events, logs):
    return {"format": "counterfoil.receipt/v1", "events": events,
            "logs": [{"origin": log.origin, "checkpoint": note, "runs": runs}
                     for log, note, runs in logs]}


def tlog_proof(log, index, note, size=None):
    size = len(log.leaves) if size is None else size
    lines = ["c2sp.org/tlog-proof@v1", f"extra {b64(log.leaves[index])}", f"index {index}"]
    lines += [b64(h) for h in log.tree.audit_path(index, size)]
    return "\n".join(lines) + "\n\n" + note


# ---- Frames of the journal -----------------------------------------------------------------------


def crc32c(data):
    """CRC-32C (Castagnoli), reflected, bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return (crc ^ 0xFFFFFFFF).to_bytes(4, "big")


def frame(key, folder, header, body):
    """A frame with its mark, without padding; `header` is (file, number, written_at, before,
    sections, copied). Returns the frame and the mark."""
    file, number, written_at, before, sections, copied = header
    head = (b"CFRM" + (64 + len(body) + 4).to_bytes(4, "big") + file.to_bytes(8, "big")
            + number.to_bytes(8, "big") + written_at.to_bytes(8, "big", signed=True)
            + before.to_bytes(4, "big") + sections.to_bytes(2, "big")
            + (2 | copied).to_bytes(2, "big"))
    plain = head + bytes(16) + bytes(4) + bytes(4) + body + bytes(4)
    mark = hmac.digest(key, b"counterfoil/frame/v1" + b"\x00" + folder + plain, "sha256")[:16]
    head += mark + bytes(4)
    whole = head + crc32c(head) + body
    return whole + crc32c(whole), mark
