"""What the authorization server answers below /api/auth, and the pages it shows."""
