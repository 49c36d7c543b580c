"""`$story`: how an order goes on, from what was ordered to who signed it off, and where the chain ends.

`gather.py` asks what there is, `chain.py` makes hops of it and knows nothing of HTTP or databases,
`answer.py` writes them down, `operation.py` is what clients call. Which steps belong to which order is in
`expected.csv`.
"""
