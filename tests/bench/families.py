"""What is asked: families of requests, each a list of addresses with other values in every one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from mappers.cdss.patient import PATIENT_NUMBER
from mappers.demo.scale import FIRST_ID, scale_patient_id
from terminology.systems import LOINC, UCUM
from tests.bench.database import patients_of

#: addresses of one family; other values in each, so that no cache of answers could help
DIFFERENT = 50
CODES = ("2345-7", "6690-2", "718-7", "777-3", "2823-3", "2951-2", "2160-0", "1988-5")
Make = Callable[[Random, int], str]


@dataclass(frozen=True)
class Family:
    """One kind of request. `paged`: measured by pages that are found by following links."""

    name: str
    make: Make
    paged: bool = False

    def addresses(self, rows: int) -> list[str]:
        """The family's paths below the base; always the same for a size."""
        random = Random(self.name)
        return [self.make(random, rows) for _ in range(DIFFERENT)]


def _patient(random: Random, rows: int) -> str:
    return scale_patient_id(random.randrange(patients_of(rows)))


def _date(random: Random, years: int) -> str:
    return f"{random.randrange(2015, 2015 + years)}-{random.randrange(1, 13):02}-{random.randrange(1, 29):02}"


def _read(random: Random, rows: int) -> str:
    return f"Observation/lab-{FIRST_ID + random.randrange(rows)}"


def _by_patient(random: Random, rows: int) -> str:
    return f"Observation?patient={_patient(random, rows)}&_count=50"


def _by_patient_and_code(random: Random, rows: int) -> str:
    return f"Observation?patient={_patient(random, rows)}&code={LOINC}|{random.choice(CODES)}&_count=50"


def _by_code_and_date(random: Random, rows: int) -> str:
    first = _date(random, 8)
    last = f"{int(first[:4]) + 1}{first[4:]}"
    return f"Observation?code={LOINC}|{random.choice(CODES)}&date=ge{first}&date=lt{last}&_count=50"


def _newest_of_patient(random: Random, rows: int) -> str:
    return f"Observation?category=laboratory&patient={_patient(random, rows)}&_sort=-date&_count=50"


def _by_value(random: Random, rows: int) -> str:
    return f"Observation?value-quantity=gt{random.randrange(800, 1500) / 10}|{UCUM}|mg/dL&_count=50"


def _by_change(random: Random, rows: int) -> str:
    return f"Observation?_lastUpdated=ge{_date(random, 9)}&_count=50"


def _chained(random: Random, rows: int) -> str:
    return f"Observation?patient.identifier={PATIENT_NUMBER}|{_patient(random, rows)}&_count=50"


def _with_patient(random: Random, rows: int) -> str:
    return f"Observation?patient={_patient(random, rows)}&_include=Observation:subject&_count=50"


def _of_many_patients(random: Random, rows: int) -> str:
    return f"Patient?_id={','.join(scale_patient_id(n) for n in _some(random, patients_of(rows)))}&_count=50"


def _some(random: Random, patients: int) -> list[int]:
    return random.sample(range(patients), min(50, patients))


def _newest(random: Random, rows: int) -> str:
    return "Observation?category=laboratory&_sort=-date&_count=50"


FAMILIES = (
    Family("read", _read),
    Family("patient", _by_patient),
    Family("patient+code", _by_patient_and_code),
    Family("code+date", _by_code_and_date),
    Family("newest of patient", _newest_of_patient),
    Family("value-quantity", _by_value),
    Family("_lastUpdated", _by_change),
    Family("chained", _chained),
    Family("_include", _with_patient),
    Family("page 1", _newest),
    Family("page 500", _newest, paged=True),
)
#: what access control and the audit trail are measured by; 50 patients are 50 events
GUARDED = (
    Family("read", _read),
    Family("patient", _by_patient),
    Family("50 patients", _of_many_patients),
)
SEARCHES = ("patient", "patient+code", "code+date", "newest of patient", "value-quantity", "_lastUpdated")
