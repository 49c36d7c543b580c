"""What the databases really read for a search: bounded where an index serves, and without warnings."""
