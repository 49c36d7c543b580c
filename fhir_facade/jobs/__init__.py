"""Work that outlives a request: kept in a table, done by whichever process takes it."""
