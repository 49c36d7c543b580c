"""`make stress`: what must hold while much is asked and things break; short forms run as tests."""
