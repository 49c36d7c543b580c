"""What the server says of itself, computed from the mappings."""
