"""Identifiers that are the same on every run: UUIDs and DICOM UIDs derived from names."""

from __future__ import annotations

import hashlib
import uuid

_NAMESPACE = uuid.UUID("6f1d7a52-3b0e-4c7e-9a54-0d2f5b6c8e10")


def uuid_of(*names: object) -> uuid.UUID:
    """The UUID that the given names (table and key, say) always have."""
    return uuid.uuid5(_NAMESPACE, "/".join(str(name) for name in names))


def dicom_uid(*names: object) -> str:
    """A valid DICOM UID in the form 2.25.<integer of a UUID>."""
    return f"2.25.{uuid_of('dicom', *names).int}"


def orthanc_id(*dicom_ids: str) -> str:
    """Orthanc's own id of a patient, study, series or instance: SHA-1 of PatientID|StudyInstanceUID|…"""
    digest = hashlib.sha1("|".join(dicom_ids).encode(), usedforsecurity=False).hexdigest()
    return "-".join(digest[start : start + 8] for start in range(0, 40, 8))
