"""What each mapping makes of typical and of awkward rows."""
