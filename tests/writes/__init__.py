"""What clients write: kept whole, or as rows of the hospital's own tables."""
