"""Keycloak as the identity provider: who somebody is, and whether they may still come in."""
