"""Made resources of every type that clients write: sent, read back, written over, and read by old eyes."""
