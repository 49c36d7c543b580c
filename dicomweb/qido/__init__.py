"""QIDO-RS: searches of studies, series and instances, answered from the index.

`attributes.csv` says what can be asked and what is returned; `asked.py` parses a query, `matching.py` makes
SQL of it, `statement.py` one statement of a search, `answers.py` DICOM JSON of its rows.
https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_10.6
"""
