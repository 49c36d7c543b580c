"""What tests ask of searches: the set of ids found, and the rows that can't be shown."""

from mappers.engine import Engine
from mappers.query import SearchQuery
from mappers.reader import Unreadable
from tests.mappings import whole


async def ids(engine: Engine, resource_type: str, **search: str) -> set[str]:
    """The ids that a search finds, as a set (see `whole.ids` for the parameters' names)."""
    return set(await whole.ids(engine, resource_type, **search))


async def unreadable(engine: Engine, resource_type: str) -> dict[str, str]:
    """Where the rows are that can't become a resource of the type, and why."""
    page = await engine.page(SearchQuery(resource_type), 1000)
    return {one.source: one.reason for one in page.matches if isinstance(one, Unreadable)}
