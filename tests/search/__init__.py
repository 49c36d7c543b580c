"""What searches promise: judged from the resources' own JSON, on every kind of database."""
