"""Validation of what comes in: what it finds, what it can stand, and whether HL7's validator agrees."""
