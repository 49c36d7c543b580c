"""Patches: a resource and what is to change in it become another resource, or a fault that says why not."""
