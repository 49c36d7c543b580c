"""The index follows its archive."""
