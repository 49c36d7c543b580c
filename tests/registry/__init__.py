"""What every resource type promises, because it is in the registry."""
