"""Demo, awkward and bulk rows for both databases: fixed ids, fixed dates, the same on every run."""

from mappers.demo.awkward import awkward, awkward_rows
from mappers.demo.embedded import IncompleteDatabaseError, create_embedded
from mappers.demo.hospital import demo_rows
from mappers.demo.loading import create_schemas, load
from mappers.demo.rows import Row
from mappers.demo.scale import scale_rows

__all__ = [
    "IncompleteDatabaseError",
    "Row",
    "awkward",
    "awkward_rows",
    "create_embedded",
    "create_schemas",
    "demo_rows",
    "load",
    "scale_rows",
]
