"""Tokens: signing keys, minting, checking, revoking, introspection."""
