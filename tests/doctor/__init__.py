"""Databases that differ from what the mappings read."""
