"""Topics, criteria, change detection and the delivery of notifications."""
