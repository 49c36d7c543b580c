"""Jobs: who may do them, and what becomes of those whose worker is gone."""
