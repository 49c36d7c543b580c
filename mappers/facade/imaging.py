"""The index of the imaging archive: what its instances say of themselves, one row a study, series, instance.

Whatever archive keeps the files, searches of images and ImagingStudy's series are asked here
(docs/decisions/0025). It is rebuilt from the archive, and holds nothing that the files don't say.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import VARCHAR, Column, Index, Table

from mappers.column_types import BIGINT, INT, LONGTEXT, SiteDateTime
from mappers.facade.tables import FACADE, INNODB


def _uid(name: str, **options: Any) -> Column[Any]:
    return Column(name, VARCHAR(64), nullable=False, **options)


def _text(name: str, length: int = 255, **options: Any) -> Column[Any]:
    return Column(name, VARCHAR(length), nullable=False, server_default="", **options)


#: one row a study. `patient`: the CDSS's patient whom the files' PatientID means, if it means one;
#: `ris_study`: the RIS's row that was found for it. `attributes`: DICOM JSON of the study's level
fhir_dicom_study = Table(
    "fhir_dicom_study",
    FACADE,
    _uid("study", primary_key=True),
    _text("patient_id", 64, index=True),
    _text("issuer", 64),
    _text("patient_name", 350),
    _text("patient_birth_date", 8),
    _text("patient_sex", 16),
    _text("study_date", 8),
    _text("study_time", 16),
    _text("accession_number", 64, index=True),
    _text("study_id", 64),
    _text("description"),
    _text("referring_physician", 350),
    _text("patient", 32, index=True),
    _text("ris_study", 32, index=True),
    Column("attributes", LONGTEXT, nullable=False),
    Column("updated_at", SiteDateTime(6), nullable=False),
    Index("ix_fhir_dicom_study_order", "study_date", "study_time"),
    **INNODB,
)

fhir_dicom_series = Table(
    "fhir_dicom_series",
    FACADE,
    _uid("series", primary_key=True),
    _uid("study", index=True),
    _text("modality", 16),
    Column("number", INT),
    _text("description"),
    _text("body_part", 64),
    _text("laterality", 16),
    _text("performer", 350),
    _text("series_date", 8),
    _text("series_time", 16),
    _text("performed_date", 8),
    _text("performed_time", 16),
    Column("attributes", LONGTEXT, nullable=False),
    **INNODB,
)

#: one row an instance. `place`: what its archive knows it by; `digest`: SHA-256 of the file, if it was seen
#: whole. `metadata`: DICOM JSON of everything but bulk data, kept as the rest at rest
fhir_dicom_instance = Table(
    "fhir_dicom_instance",
    FACADE,
    _uid("instance", primary_key=True),
    _uid("series", index=True),
    _uid("study", index=True),
    _text("sop_class", 64),
    _text("transfer_syntax", 64),
    Column("number", INT),
    Column("row_count", INT),
    Column("column_count", INT),
    Column("bits_allocated", INT),
    Column("frames", INT),
    Column("size", BIGINT, nullable=False),
    _text("place", 128),
    _text("digest", 64),
    Column("metadata", LONGTEXT, nullable=False),
    **INNODB,
)

#: instances that were refused a place because nobody can tell whose they are
fhir_dicom_quarantine = Table(
    "fhir_dicom_quarantine",
    FACADE,
    Column("id", BIGINT, primary_key=True, autoincrement=True),
    _uid("instance", index=True),
    _uid("series"),
    _uid("study", index=True),
    _text("patient_id", 64),
    _text("accession_number", 64),
    _text("reason", 64),
    _text("place", 128),
    _text("digest", 64),
    Column("recorded", SiteDateTime(6), nullable=False, index=True),
    **INNODB,
    sqlite_autoincrement=True,
)

#: how far each archive's changes have been followed, and by whom until when (seconds since 1970)
fhir_dicom_position = Table(
    "fhir_dicom_position",
    FACADE,
    Column("archive", VARCHAR(64), primary_key=True),
    _text("position", 64),
    _text("owner", 64),
    Column("lease_until", BIGINT, nullable=False),
    **INNODB,
)
