"""The kill test can fail: what it looks for is seen when it is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from databases import copy_workspace, opened_books
from sqlalchemy import text

from sotepki.clock import SetClock
from sotepki.workspace import Workspace
from tests.reliability.invariants import violations
from tests.reliability.work import NOW, PARTS, card, letters, opened, service_certificate

pytestmark = pytest.mark.integration

Damage = Callable[[Path], None]


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which a card and a service certificate have lived their lives."""
    directory = tmp_path_factory.mktemp("worked") / "workspace"
    with Workspace.create(directory, card_keys=2, clock=SetClock(NOW)) as made:
        made.vartti.policies.set("code-letter-working-days", "0", actor="trainer")
    with opened(directory) as workspace:
        for work in (card, service_certificate, letters):
            work(workspace, lambda _kind, _subject: None, PARTS[0])
    return directory


@pytest.fixture
def directory(worked: Path, tmp_path: Path) -> Iterator[Path]:
    yield copy_workspace(worked, tmp_path / "workspace")


def _lose_a_letter(directory: Path) -> None:
    next((directory / "outbox" / "letters").glob("*-activation-code-*")).unlink()


def _double_a_letter(directory: Path) -> None:
    letter = next((directory / "outbox" / "letters").glob("*-activation-code-*"))
    letter.with_name(f"999999-{letter.name.split('-', 1)[1]}").write_bytes(letter.read_bytes())


def _lose_a_card(directory: Path) -> None:
    for path in (directory / "cards").glob("*/card.json"):
        path.unlink()


def _books(statement: str) -> Damage:
    def damage(directory: Path) -> None:
        with opened_books(directory) as books:
            books.execute(text(statement))

    return damage


def test_nothing_is_seen_where_nothing_is_wrong(worked: Path) -> None:
    with opened(worked) as workspace:
        assert violations(workspace, [], []) == []


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_lose_a_letter, "has no file"),
        (_double_a_letter, "is no posting"),
        (_lose_a_card, "without a card"),
        (_books("DELETE FROM dvv_revocation"), "are not those of the card"),
        (_books("UPDATE dvv_certificate SET holder = 'nobody'"), "do not fit together"),
        (_books("UPDATE dvv_card_order SET signature_serial = '00'"), "other certificates than its card bears"),
        (_books("DELETE FROM journal WHERE sequence = 9"), "Journal entry 9 is missing"),
    ],
)
def test_damage_is_seen(directory: Path, damage: Damage, said: str) -> None:
    damage(directory)
    with opened(directory) as workspace:
        assert said in " ".join(violations(workspace, [], []))


def test_a_serial_number_signed_twice_and_an_answer_that_was_lost_are_seen(directory: Path) -> None:
    with opened(directory) as workspace:
        serial = f"{workspace.authorities.issued()[-1].serial_number:x}"
        found = violations(workspace, [("issued", "S999999"), ("wrote", "nothing")], [serial, serial, "abc"])
    assert f"serial number {serial} was signed twice" in found
    assert "serial number abc was signed before it was reserved" in found
    assert "S999999 was acknowledged as issued, and is not" in found
    assert "nothing was acknowledged as wrote, and is not" in found
