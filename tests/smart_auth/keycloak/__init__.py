"""Keycloak: its realm, its login pages, and what it says of users, all asked of a real one."""
