"""Access control leaves a search the order of the index that serves it."""

from pathlib import Path

from tests.facade.facade import Facade, ids, settings_of
from tests.services.database import DatabaseServer
from tests.smart_auth.badges import Badges, user

#: OpenEMR has an index on this date itself
SEARCH = "Appointment?date=ge2000-01-01&_count=100"


async def test_a_doctors_search_comes_as_the_servers_own(
    server: DatabaseServer, badges: Badges, tmp_path: Path
) -> None:
    open_ = Facade(settings_of(tmp_path, server))
    guarded = Facade(settings_of(tmp_path, server, enable_security=True), badges)
    try:
        token = badges.badge("user/*.rs", user("doctor"))
        told = ids(await guarded.bundle(SEARCH, authorization=token))
        assert told == ids(await open_.bundle(SEARCH))
        assert told != ids(await open_.bundle(f"{SEARCH}&_sort=_id"))
        dated = [one for one in ids(await open_.bundle(f"{SEARCH}&_sort=date")) if one in told]
        assert told == dated
    finally:
        await open_.close()
        await guarded.close()
