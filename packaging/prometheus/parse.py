#!/usr/bin/env python3
"""Reads a page of /metrics with the parser of Prometheus' own Python client.

    parse.py FILE...        exit 1 where a page is not what Prometheus reads, 77 without the client
"""

import sys

try:
    from prometheus_client.parser import text_string_to_metric_families
except ImportError:
    print("pip install prometheus_client")
    sys.exit(77)


def main(paths):
    if not paths:
        sys.exit(__doc__)
    for path in paths:
        with open(path, encoding="utf-8") as page:
            families = list(text_string_to_metric_families(page.read()))
        untyped = [family.name for family in families if family.type == "unknown"]
        samples = [sample for family in families for sample in family.samples]
        places = [(sample.name, tuple(sorted(sample.labels.items()))) for sample in samples]
        if not samples or untyped or len(set(places)) != len(places):
            sys.exit(f"{path}: {len(samples)} samples, untyped {untyped}, or a series stands twice")
        print(f"{path}: {len(families)} families, {len(samples)} samples")


if __name__ == "__main__":
    main(sys.argv[1:])
