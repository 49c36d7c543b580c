"""What tests of exports leave in the table, taken away again."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from tests.export.client import exports_of
from tests.facade.facade import Facade
from tests.smart_auth.app import server_of


@pytest.fixture
def exporting(facade: Facade) -> Iterator[Facade]:
    """A facade over each kind of database in turn, whose exports this test alone drives."""
    yield facade
    forget(facade)


@pytest.fixture
def embedded_exporting(embedded: Facade) -> Iterator[Facade]:
    """The same over the embedded databases."""
    yield embedded
    forget(embedded)


def forget(facade: Facade) -> None:
    """Removes every job, and its files."""
    with server_of(facade).store.transaction() as session:
        session.execute(text("DELETE FROM fhir_job"))
    exports_of(facade).runner.tidy()
