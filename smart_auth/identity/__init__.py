"""Who a person is: what the authorization server asks an identity provider, and those that answer."""
