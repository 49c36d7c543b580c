"""The index: from a Part 10 file to the rows that searches ask, and back to an instance's place."""
