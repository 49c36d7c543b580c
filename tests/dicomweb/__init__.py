"""The imaging gateway."""
