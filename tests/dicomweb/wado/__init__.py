"""WADO-RS."""
