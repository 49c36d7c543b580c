"""Patches: the standards' own cases, and what can go wrong."""
