"""What runs later: the queue's application, its tasks and its schedule."""
