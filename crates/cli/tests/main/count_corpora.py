#!/usr/bin/env python3
"""Counts what the corpora hold, from the raw files and the tables in docs/senders alone.

    count_corpora.py FORMAT FOLDER...     FORMAT: cloudtrail or kubernetes

Prints one JSON object: records, refused files, distinct ids, repeats (same id, same content),
conflicts (same id, other content), and counts by action, by actor and by outcome code. What a
record does not say is counted under "-". Shares no code with the adapters that it is held against.
"""

import json
import sys
from collections import Counter, defaultdict
from pathlib import Path

AWS_DOMAIN = ".amazonaws.com"
ID_BYTES_MAX = 128


def records(path):
    """The records of a file: one, an array, a wrapped array, or NDJSON of any of these."""
    text = path.read_text(encoding="utf-8")
    try:
        values = [json.loads(text)]
    except json.JSONDecodeError:
        values = [json.loads(line) for line in text.splitlines() if line.strip()]
    for value in values:
        if isinstance(value, dict) and isinstance(value.get("Records"), list):
            yield from value["Records"]
        elif isinstance(value, dict) and isinstance(value.get("items"), list):
            yield from value["items"]
        elif isinstance(value, list):
            yield from value
        else:
            yield value


def says(holder, *path):
    """The text at a path, if it says something."""
    for step in path:
        holder = holder.get(step) if isinstance(holder, dict) else None
    return holder if isinstance(holder, str) and holder else None


def cloudtrail_actor(record):
    """docs/senders/cloudtrail.md, "Who": the first of these that says something."""
    kind = says(record, "userIdentity", "type")
    if kind == "AWSService":
        return says(record, "userIdentity", "invokedBy")
    for path in (["arn"], ["onBehalfOf", "userId"], ["principalId"], ["userName"]):
        found = says(record, "userIdentity", *path)
        if found:
            return found
    if kind == "AWSAccount":
        return says(record, "userIdentity", "accountId")
    if kind in (None, "Unknown") and says(record, "userIdentity", "invokedBy"):
        return says(record, "userIdentity", "invokedBy")
    if record.get("eventType") == "AwsServiceEvent":
        return says(record, "eventSource")
    return None


def cloudtrail(record):
    if not isinstance(record, dict) or not says(record, "eventName"):
        return None
    service = record["eventSource"].removesuffix(AWS_DOMAIN)
    return {
        "id": says(record, "eventID"),
        "action": f"{service}.{record['eventName']}",
        "actor": cloudtrail_actor(record),
        "error": says(record, "errorCode"),
    }


def kubernetes(record):
    if not isinstance(record, dict) or not says(record, "auditID"):
        return None
    words = [says(record, "objectRef", "resource") or "nonresource"]
    below = says(record, "objectRef", "subresource")
    words += [below.replace("/", ".")] if below else []
    status = record.get("responseStatus") or {}
    code = status.get("reason") or status.get("code")
    return {
        "id": f"{record['auditID']}/{record['stage']}",
        "action": ".".join(words + [record["verb"]]),
        "actor": says(record, "user", "username"),
        "error": None if code is None else str(code),
    }


def main():
    read = {"cloudtrail": cloudtrail, "kubernetes": kubernetes}[sys.argv[1]]
    counts = {name: Counter() for name in ("actions", "actors", "errors")}
    contents, refused, total, repeats, conflicts = defaultdict(list), [], 0, 0, 0
    for path in sorted(file for folder in sys.argv[2:] for file in Path(folder).iterdir()):
        for record in records(path):
            total += 1
            event = read(record)
            if event is None:
                refused.append(path.name)
                continue
            assert event["id"] and len(event["id"].encode()) <= ID_BYTES_MAX, path
            known = contents[event["id"]]
            if record in known:
                repeats += 1
                continue
            conflicts += bool(known)
            known.append(record)
            for name, key in (("actions", "action"), ("actors", "actor"), ("errors", "error")):
                counts[name][event[key] or "-"] += 1
    print(json.dumps({
        "records": total, "refused": refused, "ids": len(contents),
        "repeats": repeats, "conflicts": conflicts, **counts,
    }))


main()
