"""WADO-RS: what is made of Part 10 files. https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_10.4"""
