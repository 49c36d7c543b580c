"""One file a resource type: its parts, from whichever database, and what can be searched."""
