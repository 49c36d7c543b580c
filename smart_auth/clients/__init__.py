"""Who an app is: its keys and its authentication at the token endpoint (RFC 6749, RFC 7523)."""
