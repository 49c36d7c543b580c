"""Promises of the HTTP interface."""
