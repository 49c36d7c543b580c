"""The hospital's masters as code systems: their rows are the concepts, read when they are asked for.

What a master says of a standard code becomes a concept map, as the hospital states it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, select

from mappers.cdss.tables import lis_labtestmaster, ocs_diagnosismaster, ocs_medicationmaster
from mappers.database import Database, SourceDownError
from mappers.openemr.tables import categories, openemr_postcalendar_categories
from mappers.reach import schema_of
from mappers.statement import Slots, compiled
from mappers.value import Column
from mappers.values.text import clean
from terminology import systems
from terminology.service.local import is_code
from terminology.service.made import local_url, made, stamped, value_set_of

Resource = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Equal:
    """A column of a master that holds a code of another system, and how that code lies to the master's."""

    system: str
    column: Column
    equivalence: str = "equivalent"


@dataclass(frozen=True, eq=False)
class Master:
    """One master: `name` of its code system, its columns; `others` are names in other languages."""

    name: str
    title: str
    code: Column
    display: Column
    language: str = "ko"
    others: tuple[tuple[str, Column], ...] = ()
    active: Column | None = None
    equals: tuple[Equal, ...] = ()

    @property
    def id(self) -> str:
        """The id of its code system and value set."""
        return f"local-{self.name}"

    @property
    def map_id(self) -> str:
        """The id of its concept map."""
        return f"{self.name}-master"

    @property
    def url(self) -> str:
        """The url of its code system."""
        return systems.local_system(self.name)

    @property
    def table(self) -> Table:
        """The table of its rows."""
        found: Table = self.code.table
        return found

    @property
    def columns(self) -> list[Column]:
        """What is read of each row."""
        flag = [self.active] if self.active is not None else []
        return [
            self.code,
            self.display,
            *(c for _, c in self.others),
            *(e.column for e in self.equals),
            *flag,
        ]

    # what it becomes

    def head(self) -> Resource:
        """Its CodeSystem without the concepts."""
        source = f"urn:neuronova:{schema_of(self.table)}:{self.table.name}"
        stated = made(
            "CodeSystem", self.id, self.url, self.title, language=self.language, caseSensitive=True,
            content="complete", valueSet=local_url("ValueSet", self.name),
        )  # fmt: skip
        return {**stated, "meta": {**stated["meta"], "source": source}}

    def value_set(self) -> Resource:
        """The value set of all its codes."""
        return value_set_of(self.name, self.title)

    def map_head(self) -> Resource:
        """Its ConceptMap without the groups."""
        source = local_url("ValueSet", self.name)
        return made(
            "ConceptMap", self.map_id, local_url("ConceptMap", self.map_id), self.title, sourceUri=source
        )

    async def rows(self, database: Database) -> list[dict[Column, str | None]]:
        """Its rows with a code that can be one, each code once; raises SourceDownError."""
        columns = self.columns
        asked = compiled(select(*columns), database.dialect, Slots(()), database.schemas)
        values = asked.parameters((), {})
        try:
            fetched = await database.fetch(asked.sql, values)
        except SourceDownError:  # of a connection from when it was away; the next one is new
            fetched = await database.fetch(asked.sql, values)
        found = (dict(zip(columns, (clean(v) for v in row), strict=True)) for row in fetched)
        by_code = {row[self.code]: row for row in found if row[self.code] and is_code(row[self.code] or "")}
        return [by_code[code] for code in sorted(by_code, key=str)]

    async def code_system(self, database: Database) -> Resource:
        """Its CodeSystem, of the rows as they are now."""
        concepts = [self._concept(row) for row in await self.rows(database)]
        return _restamped({**self.head(), "count": len(concepts), "concept": concepts})

    def _concept(self, row: dict[Column, str | None]) -> Resource:
        concept: Resource = {"code": row[self.code]}
        if shown := row[self.display]:
            concept["display"] = shown
        told = [{"language": lang, "value": row[c]} for lang, c in self.others if row[c]]
        if told:
            concept["designation"] = told
        if self.active is not None and row[self.active] in ("0", None):
            concept["property"] = [{"code": "inactive", "valueBoolean": True}]
        return concept

    async def concept_map(self, database: Database) -> Resource:
        """Its ConceptMap, of the rows as they are now."""
        rows = await self.rows(database)
        groups = [
            {"source": self.url, "target": equal.system, "element": elements}
            for equal in self.equals
            if (elements := list(self._elements(rows, equal)))
        ]
        return _restamped({**self.map_head(), **({"group": groups} if groups else {})})

    def _elements(self, rows: Sequence[dict[Column, str | None]], equal: Equal) -> Iterator[Resource]:
        for row in rows:
            if (code := row[equal.column]) and is_code(code):
                yield {"code": row[self.code], "target": [{"code": code, "equivalence": equal.equivalence}]}


def _restamped(resource: Resource) -> Resource:
    """The resource with the version of what it says now; where it is from stays."""
    kept = {k: v for k, v in resource["meta"].items() if k != "versionId"}
    fresh = stamped({k: v for k, v in resource.items() if k != "meta"})
    return {**fresh, "meta": {**fresh["meta"], **kept}}


_TESTS, _DRUGS, _DIAGNOSES = lis_labtestmaster.c, ocs_medicationmaster.c, ocs_diagnosismaster.c
_VISITS, _DOCUMENTS = openemr_postcalendar_categories.c, categories.c

#: every master that is served as a code system
MASTERS = (
    Master(
        "lab-test", "Laboratory tests of the hospital", _TESTS.test_code, _TESTS.test_name,
        active=_TESTS.is_active, equals=(Equal(systems.LOINC, _TESTS.loinc_code),),
    ),
    Master(
        "drug", "Drugs of the hospital's formulary", _DRUGS.drug_code, _DRUGS.drug_name,
        active=_DRUGS.is_active,
        equals=(
            Equal(systems.HIRA_EDI_MEDICATION, _DRUGS.edi_code),
            Equal(systems.ATC, _DRUGS.atc_code, "wider"),  # the class of its ingredient
        ),
    ),
    Master(
        "diagnosis", "Diagnoses of the hospital", _DIAGNOSES.diag_code, _DIAGNOSES.name_ko,
        others=(("en", _DIAGNOSES.name_en),), active=_DIAGNOSES.is_active,
    ),
    Master(
        "openemr-visit-category", "Visit categories of OpenEMR", _VISITS.pc_constant_id, _VISITS.pc_catname,
        "en",
    ),
    Master(
        "openemr-document-category", "Document categories of OpenEMR", _DOCUMENTS.id, _DOCUMENTS.name, "en",
    ),
)  # fmt: skip
