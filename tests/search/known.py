"""Parameters whose searches still differ from the oracle in some way of asking, and in which."""

BLANKS = "what is stored with blanks around it is told without them, but found by index as it is stored"
CONTROL = "what is stored with a control character in it is told without it, but compared as it is stored"

KNOWN = {
    ("Condition", "code"): BLANKS,
    ("MedicationRequest", "code"): BLANKS,
    ("Patient", "family"): BLANKS,
    ("Practitioner", "family"): CONTROL,
    ("Practitioner", "identifier"): BLANKS,
    ("Practitioner", "name"): CONTROL,
}
