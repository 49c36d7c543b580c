"""The audit trail: that everything is in it, and that nothing of it can be changed unseen."""
