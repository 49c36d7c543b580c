"""What all writing interactions share: the transaction, what may be written, conditions, the answer."""
