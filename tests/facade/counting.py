"""How many statements a request takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.facade.facade import Facade


@contextmanager
def counted(facade: Facade) -> Iterator[list[str]]:
    """The statements of a facade meanwhile, but for those that come with time, whoever asks."""
    database, found = facade.service.engine.database, list[str]()
    fetch = database.fetch

    async def counting(sql: str, parameters: tuple[Any, ...]) -> Any:
        if "fhir_amended" not in sql:  # what is looked at once a second
            found.append(sql)
        return await fetch(sql, parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "fetch", counting)
        yield found
