"""The way from a resource to rows: creating, updating, deleting, and what was before."""
