"""THL's steering documents: which regulation binds on a day, and what it requires of which class of systems."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
from databases import database_url
from registers_world import open_registers

from sotepki.errors import Misuse, Refused
from sotepki.thl import Steering
from sotepki.thl.steering import steering_rules


@pytest.fixture
def steering(tmp_path: Path) -> Iterator[Steering]:
    with open_registers(database_url(tmp_path / "registers.db"), tmp_path / "outbox", world=False) as opened:
        yield Steering(opened.records)


def _publish(steering: Steering, document: str = "THL-4/2026", **changes: object) -> object:
    wanted = {"title": "Luokittelu", "in_force_from": date(2026, 9, 1), "replaces": ["THL-4/2024"], **changes}
    return steering.publish(document, actor="x", **wanted)  # type: ignore[arg-type]


REFUSALS: dict[str, Callable[[Steering], object]] = {
    "thl.steering.known": lambda steering: steering.document("THL-9/2026"),
    "thl.steering.id": lambda steering: _publish(steering, "4/2026"),
    "thl.steering.once": lambda steering: _publish(steering, "THL-4/2024", replaces=[]),
    "thl.steering.described": lambda steering: _publish(steering, title=" "),
    "thl.steering.day": lambda steering: _publish(steering, in_force_from=date(2026, 5, 3)),
    "thl.steering.replaces": lambda steering: _publish(steering, replaces=["THL-4/2021"]),
}


def test_a_title_is_taken_as_a_word_processor_writes_it(steering: Steering) -> None:
    """A title pasted from the regulation, with a no-break space before the number, was said to be missing."""
    assert _publish(steering, title="Määräys\u00a04/2026, tieto\u00adjärjestelmät")


@pytest.mark.parametrize("rule", REFUSALS)
def test_refused(steering: Steering, rule: str) -> None:
    with pytest.raises(Refused) as refused:
        REFUSALS[rule](steering)
    assert refused.value.rule == rule and refused.value.advice


def test_every_rule_has_its_refusal() -> None:
    assert {rule.id for rule in steering_rules()} == set(REFUSALS)


def test_the_regulation_of_the_day_binds(steering: Steering) -> None:
    """A system is judged by what was in force then, not by what is in force now."""
    in_2022 = {one.id for one in steering.in_force(date(2022, 1, 1))}
    today = {one.id for one in steering.in_force()}
    assert {"THL-4/2021", "THL-3/2021"} <= in_2022 and not in_2022 & {"THL-4/2024", "THL-3/2024"}
    assert {"THL-4/2024", "THL-3/2024"} <= today and not today & {"THL-4/2021", "THL-3/2021"}


def test_a_published_document_replaces_from_its_first_day(steering: Steering) -> None:
    _publish(steering)
    assert "THL-4/2024" in {one.id for one in steering.in_force(date(2026, 8, 31))}
    assert {"THL-4/2024"} & {one.id for one in steering.in_force(date(2026, 9, 1))} == set()
    assert steering.document("THL-4/2024").replaced_by == "THL-4/2026"
    with pytest.raises(Refused, match=r"thl\.steering\.replaces"):
        _publish(steering, "THL-5/2026")


def test_requirements_of_a_class(steering: Steering) -> None:
    """Joint testing is asked of A2 and A3, never of B; every requirement has a source."""
    of = {kind: {one.id for one in steering.requirements(kind)} for kind in ("A1", "A2", "B")}
    assert "TEST-R-02" in of["A2"] and "TEST-R-02" not in of["A1"] | of["B"]
    assert all(one.source for one in steering.requirements())
    with pytest.raises(Misuse, match="A1, A2, A3, B"):
        steering.requirements("A9")  # "nothing is required" would be said of a typing error
    assert not steering.requirements("A2", date(2022, 1, 1)), "requirements of 2024 do not bind in 2022"


def test_a_document_has_one_successor_also_when_two_are_published_at_once(steering: Steering) -> None:
    """Two successors of one regulation would leave it open which of them binds."""

    def publish(number: int) -> bool:
        try:
            steering.publish(
                f"THL-{number}/2190", title="X", in_force_from=date(2190, 1, 1), replaces=("THL-4/2024",), actor="x"
            )
        except Refused as refused:
            assert refused.rule == "thl.steering.replaces"
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(publish, range(1, 5))) == 1
