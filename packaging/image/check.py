#!/usr/bin/env python3
"""Judges a container image in the OCI image layout (image specification 1.1). Standard library
only; shares nothing with what wrote it.

  python3 check.py FOLDER       judges the image of that folder
  python3 check.py --self-test  judges an image made here, and that every change to it is found

Exit codes: 0 as it must be, 1 something is wrong, 2 usage.
"""

import hashlib
import io
import json
import re
import struct
import sys
import tarfile
import tempfile
from pathlib import Path

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
LABEL = "org.opencontainers.image."
PORT = "8420/tcp"
MACHINES = {"amd64": 62, "arm64": 183}
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)")
PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
DT_NULL, DT_NEEDED = 0, 1


class Wrong(Exception):
    """What is wrong, and where."""


def must(holds, where, what):
    if not holds:
        raise Wrong(f"{where}: {what}")


def read_json(data, where):
    """JSON with no member twice."""

    def once(pairs):
        names = [name for name, _ in pairs]
        must(len(names) == len(set(names)), where, "a member stands twice")
        return dict(pairs)

    try:
        return json.loads(data.decode(), object_pairs_hook=once)
    except ValueError as error:
        raise Wrong(f"{where}: is no JSON: {error}") from None


def members(value, where, required, allowed=()):
    must(isinstance(value, dict), where, "is no object")
    names = set(value)
    must(set(required) <= names, where, f"lacks {sorted(set(required) - names)}")
    more = names - set(required) - set(allowed)
    must(not more, where, f"has {sorted(more)}, which nobody asked for")


class Image:
    """The files of a layout, and which of them were named."""

    def __init__(self, folder):
        self.blobs = {}
        self.named = set()
        self.files = {}
        for path in sorted(Path(folder).rglob("*")):
            name = path.relative_to(folder).as_posix()
            must(not path.is_symlink(), name, "is a link")
            if path.is_file():
                data = path.read_bytes()
                if name.startswith("blobs/sha256/"):
                    digest = name.removeprefix("blobs/sha256/")
                    found = hashlib.sha256(data).hexdigest()
                    must(digest == found, name, f"holds {found}")
                    self.blobs[f"sha256:{digest}"] = data
                else:
                    self.files[name] = data
        must(set(self.files) == {"index.json", "oci-layout"}, folder, f"has {sorted(self.files)}")

    def blob(self, descriptor, where, media_type, allowed=()):
        members(descriptor, where, ["mediaType", "digest", "size"], allowed)
        must(descriptor["mediaType"] == media_type, where, f"is not of {media_type}")
        data = self.blobs.get(descriptor["digest"])
        must(data is not None, where, f"names {descriptor['digest']}, which is not there")
        must(descriptor["size"] == len(data), where, f"says another size than {len(data)}")
        self.named.add(descriptor["digest"])
        return data


def check(folder):
    """Judges; the words that say what was found in order."""
    image = Image(folder)
    layout = read_json(image.files["oci-layout"], "oci-layout")
    must(layout == {"imageLayoutVersion": "1.0.0"}, "oci-layout", "is not of version 1.0.0")
    index = read_json(image.files["index.json"], "index.json")
    members(index, "index.json", ["schemaVersion", "mediaType", "manifests"])
    must(index["schemaVersion"] == 2, "index.json", "schemaVersion is not 2")
    must(index["mediaType"] == INDEX, "index.json", f"mediaType is not {INDEX}")
    must(len(index["manifests"]) == 1, "index.json", "has not one manifest")
    entry = index["manifests"][0]
    more = ["platform", "annotations"]
    manifest = read_json(image.blob(entry, "index.json", MANIFEST, more), "manifest")
    names = ["schemaVersion", "mediaType", "config", "layers"]
    members(manifest, "manifest", names, ["annotations"])
    must(manifest["schemaVersion"] == 2, "manifest", "schemaVersion is not 2")
    must(manifest["mediaType"] == MANIFEST, "manifest", f"mediaType is not {MANIFEST}")
    config = read_json(image.blob(manifest["config"], "manifest: config", CONFIG), "config")
    must(len(manifest["layers"]) == 1, "manifest", "has not one layer")
    layer = image.blob(manifest["layers"][0], "manifest: layer", LAYER)
    must(image.named == set(image.blobs), folder, "has a blob that nothing names")
    check_config(config, entry, manifest, layer)
    check_layer(layer, config)
    size = len(layer) / (1 << 20)
    return f"1 image for {config['os']}/{config['architecture']}, layer of {size:.1f} MiB"


def check_config(config, entry, manifest, layer):
    where = "config"
    members(config, where, ["created", "architecture", "os", "config", "rootfs"], ["history"])
    must(config["os"] == "linux", where, "os is not linux")
    must(config["architecture"] in MACHINES, where, "an unknown architecture")
    platform = {"architecture": config["architecture"], "os": config["os"]}
    must(entry.get("platform") == platform, "index.json", f"the platform is not {platform}")
    must(RFC3339.fullmatch(config["created"]), where, "created is no time of RFC 3339")
    diff = "sha256:" + hashlib.sha256(layer).hexdigest()
    rootfs = {"type": "layers", "diff_ids": [diff]}
    must(config["rootfs"] == rootfs, where, f"rootfs is not {rootfs}")
    history = config.get("history", [{}])
    filled = [it for it in history if not it.get("empty_layer")]
    must(len(filled) == 1, where, "the history does not tell of one layer")
    run = config["config"]
    names = ["User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "Labels"]
    members(run, where, names, ["WorkingDir", "StopSignal"])
    must(re.fullmatch(r"[1-9]\d*:[1-9]\d*", run["User"]), where, "User is not nonroot, in numbers")
    must(run["ExposedPorts"] == {PORT: {}}, where, f"exposes another port than {PORT}")
    must(len(run["Entrypoint"]) == 1, where, "Entrypoint is not the program alone")
    must(run.get("StopSignal", "SIGTERM") == "SIGTERM", where, "is stopped by another signal")
    must(all("=" in line for line in run["Env"]), where, "Env has what is no NAME=VALUE")
    labels = run["Labels"]
    must(all(name.startswith(LABEL) for name in labels), where, "a label of another kind")
    for name in ["title", "description", "licenses", "version", "created"]:
        must(labels.get(LABEL + name), where, f"lacks the label {LABEL}{name}")
    must(labels[LABEL + "created"] == config["created"], where, "was created at two times")
    same = manifest.get("annotations", labels) == labels
    must(same, "manifest", "annotations are not the labels")
    reference = {LABEL + "ref.name": labels[LABEL + "version"]}
    must(entry.get("annotations") == reference, "index.json", f"annotations are not {reference}")


def check_layer(layer, config):
    """No surprise in the tar, and a program that needs nothing of the host."""
    run = config["config"]
    user, group = (int(part) for part in run["User"].split(":"))
    try:
        tar = tarfile.open(fileobj=io.BytesIO(layer), mode="r:")
        entries = tar.getmembers()
    except tarfile.TarError as error:
        raise Wrong(f"layer: {error}") from None
    names = [entry.name for entry in entries]
    must(names == sorted(set(names)), "layer", "entries are not in order, or one stands twice")
    for entry in entries:
        where = f"layer: {entry.name}"
        parts = entry.name.split("/")
        must(not entry.name.startswith("/") and ".." not in parts, where, "leads out of the image")
        must(entry.isfile() or entry.isdir(), where, "is neither a file nor a folder")
        must(entry.mode & 0o6000 == 0, where, "has setuid or setgid")
        must(entry.mtime == 0, where, "has a time: the image would not come again")
        must(not entry.isfile() or entry.mode & 0o022 == 0, where, "others may write to it")
        must((entry.uid, entry.gid) in [(0, 0), (user, group)], where, "belongs to somebody else")
    found = {"/" + entry.name: entry for entry in entries}
    for volume in run["Volumes"]:
        where = f"layer: {volume}"
        entry = found.get(volume)
        must(entry is not None and entry.isdir(), where, "is a volume and no folder")
        must((entry.uid, entry.mode) == (user, 0o700), where, "is not its user's alone")
        below = [name for name in found if name.startswith(volume + "/")]
        must(not below, where, "is not empty")
    program = found.get(run["Entrypoint"][0])
    must(program is not None and program.isfile(), "layer", "the Entrypoint is not there")
    must((program.uid, program.mode) == (0, 0o755), "layer", "the program is not root's, 0755")
    passwd = found.get("/etc/passwd")
    must(passwd is not None, "layer", "has no /etc/passwd")
    users = [line.split(":") for line in tar.extractfile(passwd).read().decode().splitlines()]
    must(any(row[2:4] == [str(user), str(group)] for row in users), "/etc/passwd", "lacks the user")
    check_static(tar.extractfile(program).read(), MACHINES[config["architecture"]])


def check_static(elf, machine):
    """An ELF file that names no interpreter and no library."""
    where = "the program"
    must(elf[:6] == b"\x7fELF\x02\x01", where, "is no ELF file of 64 bits, little-endian")
    kind, found = struct.unpack_from("<HH", elf, 16)
    must(kind in (2, 3), where, "is no executable")
    must(found == machine, where, f"is for machine {found}, not {machine}")
    (offset,) = struct.unpack_from("<Q", elf, 32)
    size, count = struct.unpack_from("<HH", elf, 54)
    must(size == 56 and count > 0, where, "has no program headers")
    kinds = []
    for at in range(offset, offset + count * size, size):
        must(at + size <= len(elf), where, "ends within its program headers")
        kind, _, start, _, _, bytes_, *_ = struct.unpack_from("<IIQQQQQQ", elf, at)
        kinds.append(kind)
        if kind == PT_DYNAMIC:
            for place in range(start, start + bytes_, 16):
                tag, _ = struct.unpack_from("<QQ", elf, place)
                must(tag != DT_NEEDED, where, "needs a library")
                if tag == DT_NULL:
                    break
    must(PT_LOAD in kinds, where, "has nothing to load")
    must(PT_INTERP not in kinds, where, "names an interpreter: it is not static")


# The self-test: an image made with the standard library's own tar, and what is done to it.


def program(kinds=(PT_LOAD,), machine=62):
    head = b"\x7fELF\x02\x01\x01" + bytes(9)
    head += struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, 0, 64, 0, 0, 64, 56, len(kinds), 0, 0, 0)
    return head + b"".join(struct.pack("<IIQQQQQQ", kind, 5, 0, 0, 0, 0, 0, 0) for kind in kinds)


def made(change_entries=None, change_config=None, change_manifest=None, elf=None):
    """The files of a small image, changed before anything is hashed."""
    elf = program() if elf is None else elf
    passwd = b"c:x:7:7:c:/:/sbin/nologin\n"
    entries = [
        dict(name="counterfoil", mode=0o755, uid=0, gid=0, data=elf),
        dict(name="data", mode=0o700, uid=7, gid=7, data=None),
        dict(name="etc/passwd", mode=0o644, uid=0, gid=0, data=passwd),
    ]
    if change_entries:
        change_entries(entries)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for entry in entries:
            info = tarfile.TarInfo(entry["name"])
            info.mode, info.uid, info.gid = entry["mode"], entry["uid"], entry["gid"]
            info.mtime = entry.get("mtime", 0)
            info.linkname = entry.get("link", "")
            data = entry["data"]
            info.type = entry.get("type", tarfile.DIRTYPE if data is None else tarfile.REGTYPE)
            info.size = len(data or b"")
            tar.addfile(info, io.BytesIO(data or b""))
    layer = out.getvalue()
    digest = lambda data: "sha256:" + hashlib.sha256(data).hexdigest()
    created = "2026-01-02T03:04:05Z"
    labels = {LABEL + name: "x" for name in ["title", "description", "licenses", "version"]}
    labels[LABEL + "created"] = created
    run = {
        "User": "7:7", "ExposedPorts": {PORT: {}}, "Env": ["PATH=/"], "Cmd": ["serve"],
        "Entrypoint": ["/counterfoil"], "Volumes": {"/data": {}}, "Labels": labels,
    }
    config = {
        "created": created, "architecture": "amd64", "os": "linux", "config": run,
        "rootfs": {"type": "layers", "diff_ids": [digest(layer)]},
    }
    if change_config:
        change_config(config)
    config = json.dumps(config).encode()
    name = lambda kind, data: {"mediaType": kind, "digest": digest(data), "size": len(data)}
    manifest = {
        "schemaVersion": 2, "mediaType": MANIFEST, "config": name(CONFIG, config),
        "layers": [name(LAYER, layer)],
    }
    if change_manifest:
        change_manifest(manifest)
    manifest = json.dumps(manifest).encode()
    entry = name(MANIFEST, manifest) | {
        "platform": {"architecture": "amd64", "os": "linux"},
        "annotations": {LABEL + "ref.name": "x"},
    }
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}
    blobs = {f"blobs/sha256/{digest(data)[7:]}": data for data in [layer, config, manifest]}
    return blobs | {
        "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
        "index.json": json.dumps(index, separators=(",", ":")).encode(),
    }


def judged(files):
    """What is wrong with these files, or nothing."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        try:
            check(folder)
        except (Wrong, KeyError, TypeError, AttributeError, UnicodeDecodeError, struct.error) as e:
            return repr(e)
    return None


def changed(entry, **values):
    return lambda entries: entries[entry].update(values)


def set_in(*path, to):
    def change(value):
        for step in path[:-1]:
            value = value[step]
        value[path[-1]] = to
    return change


def self_test():
    good = made()
    must(judged(good) is None, "self-test", f"a good image is refused: {judged(good)}")
    flips = 0
    for name, data in good.items():
        # Every byte of what is small; of a layer, one in each stretch of 61.
        for at in range(0, len(data), 61 if len(data) > 4096 else 1):
            flipped = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
            found = judged(good | {name: flipped})
            must(found, "self-test", f"{name}: a flip at {at} is not found")
            flips += 1
    interpreted = program(kinds=(PT_LOAD, PT_INTERP))
    link = {"type": tarfile.SYMTYPE, "link": "/etc/shadow", "data": None}
    wrong = {
        "an interpreter": made(elf=interpreted),
        "another machine": made(elf=program(machine=183)),
        "a script": made(elf=b"#!/bin/sh\n" + bytes(100)),
        "setuid": made(changed(0, mode=0o4755)),
        "not executable": made(changed(0, mode=0o644)),
        "the user's own program": made(changed(0, uid=7)),
        "a stranger's file": made(changed(2, uid=1000)),
        "a file that all may write": made(changed(2, mode=0o666)),
        "a folder that others read": made(changed(1, mode=0o755)),
        "a time": made(changed(2, mtime=1)),
        "a name that leads out": made(changed(2, name="etc/../../x")),
        "a link": made(changed(2, **link)),
        "a program elsewhere": made(changed(0, name="bin")),
        "no user in passwd": made(changed(2, data=b"c:x:8:8:c:/:/sbin/nologin\n")),
        "root": made(None, set_in("config", "User", to="0:0")),
        "a user by name": made(None, set_in("config", "User", to="c")),
        "another port": made(None, set_in("config", "ExposedPorts", to={"80/tcp": {}})),
        "another diff_id": made(None, set_in("rootfs", "diff_ids", to=["sha256:" + "0" * 64])),
        "another system": made(None, set_in("os", to="windows")),
        "another architecture": made(None, set_in("architecture", to="arm64")),
        "a volume that is not there": made(None, set_in("config", "Volumes", to={"/x": {}})),
        "no labels": made(None, set_in("config", "Labels", to={})),
        "a day, no time": made(None, set_in("created", to="2026-01-02")),
        "a layer said to be gzip": made(
            None, None, set_in("layers", 0, "mediaType", to=LAYER + "+gzip")),
        "a layer of another size": made(None, None, set_in("layers", 0, "size", to=1)),
        "a config of another type": made(None, None, set_in("config", "mediaType", to=LAYER)),
        "an old schema": made(None, None, set_in("schemaVersion", to=1)),
        "a blob left over": good | {"blobs/sha256/" + hashlib.sha256(b"x").hexdigest(): b"x"},
        "a file left over": good | {"notes": b"x"},
        "no index": {name: data for name, data in good.items() if name != "index.json"},
    }
    for what, files in wrong.items():
        must(judged(files), "self-test", f"{what}: is not found")
    return f"1 good image, {flips} flipped bytes and {len(wrong)} wrong images found"


def main(arguments):
    if len(arguments) != 1 or arguments[0] in ("-h", "--help"):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        said = self_test() if arguments[0] == "--self-test" else check(arguments[0])
    except (Wrong, KeyError, TypeError, AttributeError, UnicodeDecodeError, struct.error) as wrong:
        print(f"wrong: {wrong}")
        return 1
    print(f"ok: {said}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
