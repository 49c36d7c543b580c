"""A pytest plugin, for `pytest_plugins`: the fixture `validator`."""

import os
from collections.abc import Iterator

import pytest

from tests.validator.validator import Validator, missing_tools


@pytest.fixture(scope="session")
def validator() -> Iterator[Validator]:
    """HL7's validator, one process for the whole run; skipped where its tools lack, but never in CI."""
    missing = missing_tools()
    if missing and not os.environ.get("CI"):
        pytest.skip(f"the HL7 validator needs {', '.join(missing)}")
    with Validator() as validator:
        yield validator
