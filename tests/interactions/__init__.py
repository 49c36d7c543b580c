"""Writing over HTTP: what clients send, what they are answered, and what is there afterwards."""
