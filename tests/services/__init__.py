"""The real services that the tests run against, started by the tests and stopped by them.

Each is a context manager: a private data folder, a free port of the loopback, nothing of the system changed.
"""
