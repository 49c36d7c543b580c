"""Promises of the operations."""
