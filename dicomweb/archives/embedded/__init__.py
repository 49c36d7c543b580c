"""The embedded archive: Part 10 files in a folder, and a journal of what came and went."""

from dicomweb.archives.embedded.archive import EmbeddedArchive

__all__ = ["EmbeddedArchive"]
