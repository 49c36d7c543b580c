"""Where instances and series are by their UIDs: asked at once for many, and not again."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ClauseElement, select

from dicomweb.archives.archive import Address
from dicomweb.index.asking import ask
from dicomweb.index.reading import rows
from mappers.database import Database
from mappers.facade.imaging import fhir_dicom_instance, fhir_dicom_series
from mappers.statement import Slots

SERIES, INSTANCE = fhir_dicom_series.c, fhir_dicom_instance.c


class Whereabouts:
    """What was read of it, and written since: true as long as nobody else writes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.forget()

    def forget(self) -> None:
        """Asks everything anew from now on."""
        self._instances = dict[str, list[tuple[str, str]]]()
        self._series = dict[str, list[str]]()

    async def look(self, addresses: Sequence[Address]) -> None:
        """Looks for some instances and their series in one statement each."""
        instances, all_series = {a.instance for a in addresses}, {a.series for a in addresses}
        self._instances |= {uid: [] for uid in instances}
        self._series |= {uid: [] for uid in all_series}
        placed = select(INSTANCE.instance, INSTANCE.study, INSTANCE.series)
        found = await rows(self._database, placed.where(INSTANCE.instance.in_(sorted(instances))))
        for instance, study, series in found:
            self._instances[str(instance)].append((str(study), str(series)))
        of_series = select(SERIES.series, SERIES.study).where(SERIES.series.in_(sorted(all_series)))
        for series, study in await rows(self._database, of_series):
            self._series[str(series)].append(str(study))

    async def of(self, instance: str, *, anew: bool = False) -> list[tuple[str, str]]:
        """Where an instance is, as (study, series)."""
        if anew or instance not in self._instances:
            found = await ask(self._database, _placed, instance=instance)
            self._instances[instance] = [(str(study), str(series)) for study, series in found]
        return self._instances[instance]

    async def in_use(self, address: Address) -> bool:
        """Whether its UIDs are those of something else: an instance elsewhere, a series of another study.

        Indexed all the same, it would take that out of the study that it is in.
        """
        if address.series not in self._series:
            found = await ask(self._database, _study_of, series=address.series)
            self._series[address.series] = [str(study) for (study,) in found]
        elsewhere = any(at != (address.study, address.series) for at in await self.of(address.instance))
        return elsewhere or any(study != address.study for study in self._series[address.series])

    def written(self, address: Address) -> None:
        """An instance is there now."""
        self._instances[address.instance] = [(address.study, address.series)]
        self._series[address.series] = [address.study]


def _placed(slots: Slots, dialect: str) -> ClauseElement:
    return select(INSTANCE.study, INSTANCE.series).where(INSTANCE.instance == slots.named("instance"))


def _study_of(slots: Slots, dialect: str) -> ClauseElement:
    return select(SERIES.study).where(SERIES.series == slots.named("series"))
