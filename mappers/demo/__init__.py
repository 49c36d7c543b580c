"""Demo, awkward and bulk rows for both databases: fixed ids, fixed dates, the same on every run."""

from mappers.demo.embedded import create_embedded
from mappers.demo.hospital import demo_rows
from mappers.demo.loading import create_schemas, load
from mappers.demo.rows import Row

__all__ = ["Row", "create_embedded", "create_schemas", "demo_rows", "load"]
