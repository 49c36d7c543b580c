"""What a row names by the old application's type and id (`LabResult`, `4001`), as references.

Only the row that is really there is referred to: the joins look for it, and the key is that row's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import FromClause, Integer, Table, and_, case, cast

from mappers.cdss import links
from mappers.cdss.tables import (
    ai_aijob,
    emr_encounter,
    emr_patientcache,
    lis_labresult,
    lis_specimen,
    ocs_order,
    ris_radiologyreport,
    ris_radiologystudy,
)
from mappers.column_types import BIGINT
from mappers.mapping import Id, Join
from mappers.sql import ALWAYS, Condition, one_of, word
from mappers.value import Column
from mappers.values import ReferenceTo
from mappers.values.codes import sources
from terminology.code_map import CodeMap

JOB_STATUS = CodeMap.load("cdss_ai_job_status")
WHOLE_NUMBER = "^[1-9][0-9]{0,17}$"


@dataclass(frozen=True)
class Named:
    """A kind of row: what it is called, its table and key, and the type and id prefix it is served under."""

    words: tuple[str, ...]
    table: Table
    key: str
    resource_type: str
    prefix: str = ""

    def reference(self, type_: Column, id_: Column) -> ReferenceTo:
        """The reference of a row whose `type_` is one of the words and whose `id_` is an existing key."""
        target = self.table.alias(f"named_{self.words[0].lower()}")
        key = target.c[self.key]
        on = and_(one_of(word(type_), self.words), _same(key, id_), _served(self, target))
        return ReferenceTo(self.resource_type, Id(self.prefix, key), joins=(Join(target, on),))


def _same(key: Column, id_: Column) -> Condition:
    if not isinstance(key.type, Integer):
        return key == id_
    return key == cast(case((id_.regexp_match(WHOLE_NUMBER), id_)), BIGINT)


def _served(named: Named, target: FromClause) -> Condition:
    """An order of medicines is served line by line, and a job in no known state not at all."""
    if named.table is ocs_order:
        return ~links.is_prescription(target)
    if named.table is ai_aijob:
        return one_of(word(target.c.status), sources(JOB_STATUS))
    return ALWAYS


KINDS = (
    Named(("Patient", "PatientCache"), emr_patientcache, "patient_id", "Patient"),
    Named(("Encounter",), emr_encounter, "encounter_id", "Encounter"),
    Named(("Order", "ServiceRequest"), ocs_order, "order_id", "ServiceRequest"),
    Named(("Specimen",), lis_specimen, "specimen_id", "Specimen"),
    Named(("LabResult",), lis_labresult, "id", "Observation", links.LAB_PREFIX),
    Named(("RadiologyStudy", "ImagingStudy"), ris_radiologystudy, "study_id", "ImagingStudy"),
    Named(("RadiologyReport",), ris_radiologyreport, "id", "DiagnosticReport", links.RADIOLOGY_REPORT_PREFIX),
    Named(("AIJob",), ai_aijob, "id", "Task", links.AI_JOB_PREFIX),
)
PATIENT_WORDS = KINDS[0].words


def named_resources(type_: Column, id_: Column, *, patients: bool = True) -> Iterator[ReferenceTo]:
    """A reference for each kind of row; of one row at most one of them leads somewhere."""
    for kind in KINDS:
        if patients or kind.table is not emr_patientcache:
            yield kind.reference(type_, id_)
