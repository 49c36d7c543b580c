"""A study's series and their instances, as the index of the imaging archive has them (docs/decisions/0025).

They are those of the study that was found to be the RIS's row's, not of whatever has its UID: what another
patient's row says of the same UID shows nothing of these images.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import String, case, literal_column, select

from mappers.facade.imaging import fhir_dicom_instance, fhir_dicom_series, fhir_dicom_study
from mappers.mapping import Element, Id, Join
from mappers.sql import Condition
from mappers.value import Column
from mappers.values import (
    Backbone,
    Children,
    Coded,
    Derived,
    DicomMoment,
    FirstOf,
    Fixed,
    MappedCoding,
    Number,
    PersonNamed,
    Reduced,
    ReferenceTo,
    Str,
    Uid,
    UidCoding,
)
from mappers.values.absence import Unsaid
from terminology.code_map import CodeMap
from terminology.systems import local_system

DICOMWEB = "dicom-web"
ENDPOINT_ID: Column = literal_column(f"'{DICOMWEB}'", String())

STUDY, SERIES, INSTANCE = fhir_dicom_study.c, fhir_dicom_series.c, fhir_dicom_instance.c
_OWN_ENDPOINT = case((SERIES.series != "", ENDPOINT_ID))
_MODALITIES = CodeMap.load("cdss_modality")


def modality(column: Column) -> FirstOf:
    """A modality by DICOM's own code, or else in the hospital's own words."""
    return FirstOf(MappedCoding(column, _MODALITIES), Coded(local_system("modality"), column))


def _count(found: Any) -> Any:
    """An unsignedInt; None for a negative count."""
    return found if found >= 0 else None


def count(column: Column) -> Derived:
    """A number of things; less than none is not told."""
    return Derived(Number(column), _count, "UnsignedInt")


INSTANCES = Children(
    fhir_dicom_instance,
    SERIES.series,
    INSTANCE.series,
    Backbone(
        Element("uid", Uid(INSTANCE.instance)),
        Element("sopClass", UidCoding(INSTANCE.sop_class)),
        Element("number", count(INSTANCE.number)),
        needs=("uid", "sopClass"),
    ),
    order=(INSTANCE.number, INSTANCE.instance),
)
MODALITY = modality(SERIES.modality)
_ONE = Backbone(
    Element("uid", Uid(SERIES.series)),
    Element("number", count(SERIES.number)),
    # each series must have one
    Element("modality", FirstOf(*MODALITY.values, Unsaid())),
    Element("description", Str(SERIES.description)),
    Element("numberOfInstances", FirstOf(Reduced(INSTANCES, len), Fixed(0))),
    Element("endpoint[]", ReferenceTo("Endpoint", Id("", _OWN_ENDPOINT))),
    Element("bodySite", MappedCoding(SERIES.body_part, CodeMap.load("body_part"))),
    Element("laterality", MappedCoding(SERIES.laterality, CodeMap.load("dicom_laterality"))),
    Element("started", DicomMoment(SERIES.series_date, SERIES.series_time)),
    Element("performer[]", Backbone(Element("actor", PersonNamed(SERIES.performer)), needs=("actor",))),
    Element("instance[]", INSTANCES),
    needs=("uid",),
)


def of(study_id: Column) -> Children:
    """The series of the images that are a RIS row's."""
    return Children(
        fhir_dicom_series,
        study_id,
        STUDY.ris_study,
        _ONE,
        order=(SERIES.number, SERIES.series),
        joins=(Join(fhir_dicom_study, STUDY.study == SERIES.study),),
    )


def kept(study_id: Column) -> Condition:
    """Whether the archive has images of a RIS row."""
    return study_id.in_(select(STUDY.ris_study))


def modalities(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The modalities of a study's series, each once."""
    known = [one["modality"] for one in found if "code" in one["modality"]]
    return list({(m["system"], m["code"]): m for m in known}.values())


def instances(found: list[dict[str, Any]]) -> int:
    """How many instances a study's series have together."""
    return sum(one["numberOfInstances"] for one in found)
