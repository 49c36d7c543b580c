"""What holds while much is asked and things break, in its short form; `make stress` does it for longer."""

from tests.stress import scenarios
from tests.stress.conftest import Stressed


async def test_clients_that_go_away_cost_no_connection_and_no_answer(stressed: Stressed) -> None:
    figures = await scenarios.disconnecting(stressed.served, stressed.database, stressed.rows, 64, 5)
    assert set(figures.statuses) == {200}
    assert figures.left > 0
    assert figures.connections <= scenarios.POOL


async def test_a_restarted_database_means_503_and_then_the_right_answers_again(stressed: Stressed) -> None:
    figures = await scenarios.restarting(
        stressed.served, stressed.database, stressed.folder, stressed.running, stressed.rows, times=1
    )
    assert figures.wrong == []
    assert figures.statuses[503] > 0


async def test_a_source_lost_between_pages_is_named_and_the_others_go_on(stressed: Stressed) -> None:
    seen, issues, strict = await scenarios.losing_a_source(stressed.served, stressed.database)
    assert len(seen) == len(set(seen))
    assert scenarios.expected(stressed.rows) <= set(seen)
    assert issues
    assert strict.status == 503
    assert strict.resource["resourceType"] == "OperationOutcome"


async def test_memory_stays_flat(stressed: Stressed) -> None:
    warm, after = await scenarios.asking_long(stressed.served, stressed.rows, 2000)
    assert after < warm * 1.1


async def test_each_row_is_on_one_page_while_others_come_and_go(stressed: Stressed) -> None:
    for sort in ("date", "-date", "_id"):
        seen = await scenarios.walking(stressed.served, stressed.database, stressed.rows, sort)
        assert {i: seen[i] for i in scenarios.expected(stressed.rows) if seen[i] != 1} == {}
