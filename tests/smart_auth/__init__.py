"""Who may do what, promise by promise."""
