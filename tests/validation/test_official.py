"""HL7's own validator and ours say the same of R4's examples, of the faults, and of broken resources.

Where they differ, `differences.csv` says why, and that row fails when they no longer do.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mappers.validation import validate
from tests.validation.mutations import mutations
from tests.validation.sample import examples
from tests.validation.test_faults import lines
from tests.validator import Issue as Official
from tests.validator import Validator

DIFFERENCES = Path(__file__).with_name("differences.csv")
EACH = 3
# What the official validator is set to ask and we don't say: the definitions behind a claim or extension.
NOT_ASKED = {
    "Extension_EXT_Unknown": "an extension that nobody has defined is accepted here",
    "Extension_EXT_Unknown_NotHere": "the same, with another context",
    "ERROR_GENERATING_SNAPSHOT": "it needs a package of R4 that is not there",
}


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, resource), always the same."""
    for one in lines("faults.jsonl"):
        yield f"fault: {one['fault']}", one["resource"]
    for one in lines("valid.jsonl"):
        yield f"valid: {one['valid']}", one["resource"]
    for resource in examples():
        name = f"{resource['resourceType']}/{resource.get('id')}"
        yield f"example: {name}", resource
        for index, mutation in enumerate(mutations(resource, EACH, name)):
            yield f"{name} {index}: {mutation.name}", mutation.resource


def is_error(issue: Official) -> bool:
    return issue.is_error and issue.message_id not in NOT_ASKED


def reasons() -> dict[str, str]:
    rows = csv.DictReader(DIFFERENCES.read_text(encoding="utf-8").splitlines())
    return {row["case"]: f"{row['refused_by']}: {row['reason']}" for row in rows}


@pytest.fixture(scope="module")
def verdicts(validator: Validator) -> dict[str, tuple[list[str], list[str]]]:
    """Case → the errors that the official validator finds, and those that we find."""
    named = list(cases())
    official = validator.validate([resource for _, resource in named])
    return {
        name: (
            [str(issue) for issue in theirs if is_error(issue)],
            [str(issue) for issue in validate(resource) if issue.severity in ("error", "fatal")],
        )
        for (name, resource), theirs in zip(named, official, strict=True)
    }


@pytest.mark.timeout(600)
def test_both_refuse_the_same(verdicts: dict[str, tuple[list[str], list[str]]]) -> None:
    differing = {name: found for name, found in verdicts.items() if bool(found[0]) != bool(found[1])}
    unexplained = {name: found for name, found in differing.items() if name not in reasons()}
    assert not unexplained, json.dumps(unexplained, indent=1, ensure_ascii=False)


def test_each_explained_difference_is_still_one(verdicts: dict[str, tuple[list[str], list[str]]]) -> None:
    for name, reason in reasons().items():
        official, ours = verdicts[name]
        assert bool(official) != bool(ours), name
        assert reason.startswith("official: " if official else "ours: "), name


def test_the_comparison_has_many_of_both(verdicts: dict[str, tuple[list[str], list[str]]]) -> None:
    refused = sum(bool(ours) for _, ours in verdicts.values())
    assert refused > 500
    assert len(verdicts) - refused > 200
