"""What a token opens: scopes, the policy table, and the conditions that both become for each type."""
