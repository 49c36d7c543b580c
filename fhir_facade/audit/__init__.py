"""The audit trail: who was shown what, durable before the answer leaves, and provably whole.

`event.py` says what a request was, `masking.py` what of it is kept, `patients.py` whom an answer is about;
`trail.py` writes, through a store for each kind of database; `seal.py` and `chain.py` make changes show;
`verify.py` looks for them.
"""
