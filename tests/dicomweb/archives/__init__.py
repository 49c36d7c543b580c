"""The archives: embedded and real."""
