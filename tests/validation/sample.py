"""R4's own examples, two of each type that has any: `examples.jsonl.gz`, one a line, as HL7 published them.

Run by hand, the result is committed (CC0):

    npm pack hl7.fhir.r4.examples@4.0.1 && tar xzf hl7.fhir.r4.examples-4.0.1.tgz
    python -m tests.validation.sample package
"""

from __future__ import annotations

import gzip
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).with_name("examples.jsonl.gz")
_LARGEST = 7_000
_EACH = 2


def examples() -> Iterator[dict[str, Any]]:
    """The packaged examples, decimals with all their digits."""
    for line in gzip.decompress(EXAMPLES.read_bytes()).decode().splitlines():
        yield json.loads(line, parse_float=Decimal)


def chosen(folder: Path) -> Iterator[str]:
    """The largest examples of each type that are still small, as JSON on one line."""
    found: dict[str, list[tuple[int, str, str]]] = defaultdict(list)
    for file in sorted(folder.glob("*-*.json")):
        text = " ".join(file.read_text(encoding="utf-8").split("\n"))
        if len(text) <= _LARGEST:
            name = json.loads(text).get("resourceType", "")
            found[name].append((len(text), file.name, text))
    for name in sorted(found):
        yield from (text for _, _, text in sorted(found[name])[-_EACH:])


def main() -> None:
    """Write the file from the unpacked package named on the command line."""
    lines = "\n".join(chosen(Path(sys.argv[1])))
    EXAMPLES.write_bytes(gzip.compress(lines.encode(), compresslevel=9, mtime=0))


if __name__ == "__main__":
    main()
