"""Who may do what: scopes, access conditions, tokens and the SMART authorization server."""
