"""Every declared parameter finds what the standard's own expression says, in whatever way it is asked."""

import pytest
import pytest_asyncio

from fhir_facade.registry import MAPPINGS
from tests.facade.facade import Facade
from tests.search.asking import asked, differences, oracle_of
from tests.search.oracle import Oracle

PARAMETERS = [(m.resource_type, p.name) for m in MAPPINGS for p in m.search_params]


@pytest_asyncio.fixture(scope="module")
async def oracle(embedded: Facade) -> Oracle:
    """The oracle over the embedded databases."""
    return await oracle_of(embedded)


@pytest.mark.parametrize(("resource_type", "param"), PARAMETERS)
async def test_a_parameter_finds_what_its_expression_says(
    embedded: Facade, oracle: Oracle, resource_type: str, param: str
) -> None:
    questions = asked(oracle, resource_type, param)
    wrong = await differences(embedded, oracle, resource_type, questions)
    assert not wrong, f"{len(wrong)} of {len(questions)}:\n" + "\n".join(wrong[:25])


@pytest.mark.parametrize(("resource_type", "param"), PARAMETERS)
async def test_every_database_finds_what_the_expression_says(
    facade: Facade, resource_type: str, param: str
) -> None:
    theirs = await oracle_of(facade)
    questions = asked(theirs, resource_type, param)
    wrong = await differences(facade, theirs, resource_type, questions[:: max(1, len(questions) // 12)])
    assert not wrong, f"{len(wrong)} of {len(questions)}:\n" + "\n".join(wrong[:25])
