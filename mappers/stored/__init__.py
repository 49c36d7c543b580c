"""What clients write and no table of the hospital holds: whole resources, and their search values."""
