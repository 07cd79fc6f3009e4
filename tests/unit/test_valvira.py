"""Valvira: every refusal by its rule, and the history of rights around the moments at which they change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from databases import database_url
from registers_world import NOON, WORLD, Registers, open_registers
from sqlalchemy import select

from sotepki.errors import Fault, Misuse, Refused
from sotepki.identifiers import Hetu, RegistrationNumber
from sotepki.records import JournalEntry, first_break
from sotepki.registers import Person, RightsRegister
from sotepki.resources import package_file
from sotepki.valvira import authority_name
from sotepki.valvira.rules import valvira_rules

UNKNOWN = RegistrationNumber("00999999999")
TICK = timedelta(microseconds=1)


@pytest.fixture
def registers(tmp_path: Path) -> Iterator[Registers]:
    with open_registers(database_url(tmp_path / "registers.db"), tmp_path / "outbox") as opened:
        yield opened


@pytest.fixture
def newcomer(registers: Registers) -> Person:
    return registers.person("client-adult")


def _rule(action: Callable[[], object]) -> str:
    with pytest.raises(Refused) as caught:
        action()
    assert caught.value.advice
    return caught.value.rule


def test_the_office_is_a_rights_register(registers: Registers) -> None:
    """Vartti and Kanta could not ask it."""
    register: RightsRegister = registers.valvira
    assert register.rights_in_force(registers.number("physician"), NOON)


def test_a_first_right_brings_a_new_number_and_a_prescriber_id_where_it_allows_prescribing(
    registers: Registers, newcomer: Person
) -> None:
    highest = registers.valvira.registration_numbers()[-1]
    nurse = registers.valvira.grant_right(newcomer, "T06", actor="official")
    assert nurse.registration_number.value == f"{int(highest.value) + 1:011d}"
    assert nurse.prescriber_id is None
    physician = registers.valvira.grant_right(newcomer.hetu, "001", actor="official")
    assert physician.registration_number == nurse.registration_number, "one number per person"
    assert physician.prescriber_id is not None
    assert [right.code for right in physician.rights] == ["001", "T06"]


def test_a_right_is_in_force_from_the_first_moment_of_its_first_day_to_the_last_of_its_last(
    registers: Registers, newcomer: Person
) -> None:
    """A document signed late in the evening of the last day would be refused, or one a moment later accepted.

    The days are Finnish: 2026-06-01 begins at 21:00 UTC on the day before.
    """
    number = registers.valvira.grant_right(
        newcomer, "T20", actor="official", valid_from=date(2026, 6, 1), valid_to=date(2026, 12, 31)
    ).registration_number
    begins = datetime(2026, 5, 31, 21, 0, tzinfo=UTC)
    over = datetime(2026, 12, 31, 22, 0, tzinfo=UTC)
    assert registers.codes_in_force(number, begins - TICK) == []
    assert registers.codes_in_force(number, begins) == ["T20"]
    assert registers.codes_in_force(number, over - TICK) == ["T20"]
    assert registers.codes_in_force(number, over) == []


def test_a_removal_counts_from_its_moment_on_and_not_before(registers: Registers) -> None:
    """A document signed before the removal must stay right, one signed after it must not."""
    number = registers.number("nurse")
    registers.valvira.remove_right(number, "T06", actor="official", reason="test")
    assert registers.codes_in_force(number, NOON - TICK) == ["T06"]
    assert registers.codes_in_force(number, NOON) == []
    assert registers.codes_in_force(number, NOON + TICK) == []
    professional = registers.valvira.professional(number)
    assert professional is not None
    assert professional.rights[0].ended_at == NOON


def test_an_announced_removal_takes_effect_later_and_can_be_taken_back(registers: Registers) -> None:
    number = registers.number("nurse")
    later = NOON + timedelta(days=10)
    registers.valvira.remove_right(number, "T06", actor="official", reason="test", effective_at=later)
    assert registers.codes_in_force(number, later - TICK) == ["T06"]
    assert registers.codes_in_force(number, later) == []
    registers.valvira.restore_right(number, "T06", actor="official", reason="appeal")
    assert registers.codes_in_force(number, later) == ["T06"]


def test_a_right_with_an_announced_removal_is_still_held(registers: Registers) -> None:
    """Until the announced moment it can be restricted, and removed at once when there is cause to."""
    number, later = registers.number("nurse"), NOON + timedelta(days=10)
    registers.valvira.remove_right(number, "T06", actor="official", reason="test", effective_at=later)
    registers.valvira.restrict_right(number, "T06", ["10"], actor="official", reason="supervised")
    assert registers.valvira.rights_in_force(number, NOON)[0].restrictions == ("10",)
    assert _rule(
        lambda: registers.valvira.remove_right(
            number, "T06", actor="x", reason="x", effective_at=later + timedelta(days=1)
        )
    ) == ("valvira.right.held")
    registers.valvira.remove_right(number, "T06", actor="official", reason="at once")
    assert registers.codes_in_force(number, NOON) == []


def test_a_restriction_with_a_last_day_ends_by_itself_and_can_be_set_again(registers: Registers) -> None:
    number = registers.number("nurse")
    registers.valvira.restrict_right(number, "T06", ["10"], actor="x", reason="x", valid_to=date(2026, 5, 10))
    over = datetime(2026, 5, 10, 21, 0, tzinfo=UTC)
    (before,) = registers.valvira.rights_in_force(number, over - TICK)
    (after,) = registers.valvira.rights_in_force(number, over)
    assert (before.restrictions, after.restrictions) == (("10",), ())
    registers.advance(days=10)
    assert _rule(lambda: registers.valvira.lift_restriction(number, "T06", "10", actor="x", reason="x")) == (
        "valvira.restriction.held"
    )
    registers.valvira.restrict_right(number, "T06", ["10"], actor="x", reason="x")
    assert registers.valvira.rights_in_force(number, registers.clock.now())[0].restrictions == ("10",)


def test_a_restored_right_leaves_the_gap_in_its_history(registers: Registers) -> None:
    """What was signed while the right was removed would become valid afterwards."""
    number = registers.number("nurse")
    registers.valvira.remove_right(number, "T06", actor="official", reason="test")
    registers.advance(hours=2)
    restored = registers.valvira.restore_right(number, "T06", actor="official", reason="appeal")
    back = NOON + timedelta(hours=2)
    assert registers.codes_in_force(number, NOON - TICK) == ["T06"]
    assert registers.codes_in_force(number, NOON + timedelta(hours=1)) == []
    assert registers.codes_in_force(number, back - TICK) == []
    assert registers.codes_in_force(number, back) == ["T06"]
    assert [right.ended_at for right in restored.rights] == [NOON, None]


def test_a_right_granted_and_removed_twice_at_one_moment_comes_back_once(registers: Registers) -> None:
    """The person would hold one right twice."""
    person, number = registers.person("nurse"), registers.number("nurse")
    registers.valvira.remove_right(number, "T06", actor="official", reason="test")
    registers.valvira.grant_right(person, "T06", actor="official")
    registers.valvira.remove_right(number, "T06", actor="official", reason="test")
    registers.valvira.restore_right(number, "T06", actor="official", reason="test")
    assert registers.codes_in_force(number) == ["T06"]


def test_a_removal_of_a_present_and_a_coming_period_is_restored_whole(registers: Registers) -> None:
    """A student whose next term was granted already would lose it."""
    person, number = registers.person("pharmacy-student"), registers.number("pharmacy-student")
    present = registers.valvira.rights_in_force(number, NOON)[0].valid_to
    assert present is not None
    registers.valvira.grant_right(
        person, "T21", actor="x", valid_from=present + timedelta(days=1), valid_to=present + timedelta(days=300)
    )
    later = NOON + timedelta(days=450)
    assert registers.codes_in_force(number, later) == ["T21"]
    registers.valvira.remove_right(number, "T21", actor="x", reason="test")
    assert registers.codes_in_force(number) == registers.codes_in_force(number, later) == []
    registers.advance(days=1)
    registers.valvira.restore_right(number, "T21", actor="x", reason="test")
    assert registers.codes_in_force(number) == registers.codes_in_force(number, later) == ["T21"]


def test_a_right_granted_anew_on_the_day_of_its_removal_does_not_fill_the_time_before_the_removal_twice(
    registers: Registers,
) -> None:
    number = registers.number("nurse")
    registers.valvira.remove_right(number, "T06", actor="official", reason="test")
    registers.advance(hours=1)
    registers.valvira.grant_right(registers.person("nurse"), "T06", actor="official")
    assert registers.codes_in_force(number, NOON - TICK) == ["T06"]
    assert registers.codes_in_force(number) == ["T06"]


def test_removing_one_right_leaves_the_others(registers: Registers) -> None:
    number = registers.number("nurse-with-three-rights")
    registers.valvira.remove_right(number, "T07", actor="official", reason="test")
    assert registers.codes_in_force(number) == ["T06", "T08"]


def test_a_removed_right_of_a_limited_time_ends_at_whichever_comes_first(registers: Registers) -> None:
    number = registers.number("pharmacy-student")
    with pytest.raises(Refused):
        registers.valvira.remove_right(
            number, "T21", actor="official", reason="test", effective_at=NOON + timedelta(days=500)
        )
    registers.valvira.remove_right(number, "T21", actor="official", reason="test")
    assert registers.codes_in_force(number) == []


def test_restrictions_have_a_history_and_outlive_a_removal(registers: Registers) -> None:
    """A restored right would come back without its restriction."""
    number = registers.number("physician")

    def restrictions(at: datetime) -> list[tuple[str, ...]]:
        return [right.restrictions for right in registers.valvira.rights_in_force(number, at)]

    registers.valvira.restrict_right(number, "001", ["30", "10"], actor="official", reason="test")
    registers.advance(days=1)
    registers.valvira.remove_right(number, "001", actor="official", reason="test")
    registers.advance(days=1)
    registers.valvira.restore_right(number, "001", actor="official", reason="test")
    registers.advance(days=1)
    registers.valvira.lift_restriction(number, "001", "10", actor="official", reason="test")
    assert restrictions(NOON - TICK) == [()]
    assert restrictions(NOON) == [("10", "30")]
    assert restrictions(NOON + timedelta(days=1)) == []
    assert restrictions(NOON + timedelta(days=2)) == [("10", "30")]
    assert restrictions(NOON + timedelta(days=3)) == [("30",)]


def test_an_unknown_number_and_an_unknown_person_have_no_rights(registers: Registers) -> None:
    """A lookup must answer, not fail: the number on a card may be anything."""
    assert registers.codes_in_force(UNKNOWN) == []
    assert registers.valvira.professional(UNKNOWN) is None
    assert registers.valvira.professional_of(registers.hetu("client-adult")) is None


def test_bytes_that_are_not_text_are_one_sentence(registers: Registers) -> None:
    """A terminal that does not speak UTF-8 would get a traceback."""
    broken = "T\udcff"
    assert _rule(lambda: registers.valvira.search(surname=broken, given_names="Lumi")) == "valvira.search.name"
    nurse = registers.number("nurse")
    said = _rule(lambda: registers.valvira.remove_right(nurse, "T06", actor="x", reason=broken))
    assert said == "valvira.right.reason"
    with pytest.raises(Misuse, match="UTF-8"):
        registers.valvira.remove_right(nurse, "T06", actor=broken, reason="y")
    assert registers.codes_in_force(registers.number("nurse")) == ["T06"]


def test_a_time_without_a_zone_is_a_fault(registers: Registers) -> None:
    with pytest.raises(Fault):
        registers.valvira.rights_in_force(UNKNOWN, datetime(2026, 5, 4))


REFUSALS: list[tuple[str, Callable[[Registers], object]]] = [
    ("valvira.person.exists", lambda r: r.valvira.grant_right(Hetu("010181-900C"), "T06", actor="x")),
    ("valvira.code.known", lambda r: r.valvira.grant_right(r.person("nurse"), "999", actor="x")),
    (
        "valvira.right.period",
        lambda r: r.valvira.grant_right(
            r.person("client-adult"), "001", actor="x", valid_from=date(2026, 5, 5), valid_to=date(2026, 5, 4)
        ),
    ),
    (
        "valvira.right.period",
        lambda r: r.valvira.grant_right(r.person("client-adult"), "001", actor="x", valid_to=date.max),
    ),
    ("valvira.right.limited-has-end", lambda r: r.valvira.grant_right(r.person("client-adult"), "T20", actor="x")),
    ("valvira.right.not-twice", lambda r: r.valvira.grant_right(r.person("nurse"), "T06", actor="x")),
    (
        "valvira.right.not-twice",
        lambda r: r.valvira.grant_right(
            r.person("nurse-whose-right-was-removed"), "T06", actor="x", valid_from=date(2024, 2, 28)
        ),
    ),
    (
        "valvira.person.one-number",
        lambda r: r.valvira.grant_right(r.person("nurse"), "T07", actor="x", registration_number=UNKNOWN),
    ),
    (
        "valvira.person.one-number",
        lambda r: r.valvira.grant_right(
            r.person("client-adult"), "T06", actor="x", registration_number=r.number("nurse")
        ),
    ),
    (
        "identifier.hetu.test-only",
        lambda r: r.valvira.grant_right(Person(Hetu("131052-308T"), "Nobody", "Real"), "T06", actor="x"),
    ),
    ("valvira.person.known", lambda r: r.valvira.remove_right(UNKNOWN, "T06", actor="x", reason="y")),
    ("valvira.right.held", lambda r: r.valvira.remove_right(r.number("nurse"), "001", actor="x", reason="y")),
    (
        "valvira.right.held",
        lambda r: r.valvira.remove_right(r.number("nurse-whose-right-was-removed"), "T06", actor="x", reason="y"),
    ),
    (
        "valvira.right.no-backdating",
        lambda r: r.valvira.remove_right(
            r.number("nurse"), "T06", actor="x", reason="y", effective_at=NOON - timedelta(seconds=1)
        ),
    ),
    (
        "valvira.right.period",
        lambda r: r.valvira.remove_right(
            r.number("nurse"), "T06", actor="x", reason="y", effective_at=datetime(9999, 12, 31, tzinfo=UTC)
        ),
    ),
    ("valvira.right.reason", lambda r: r.valvira.remove_right(r.number("nurse"), "T06", actor="x", reason=" ")),
    ("valvira.right.reason", lambda r: r.valvira.remove_right(r.number("nurse"), "T06", actor="x", reason="a\nb")),
    ("valvira.right.reason", lambda r: r.valvira.remove_right(r.number("nurse"), "T06", actor="x", reason="x" * 501)),
    (
        "valvira.right.reason",
        lambda r: r.valvira.remove_right(r.number("nurse"), "T06", actor="x", reason="about 010181-900C"),
    ),
    ("valvira.person.known", lambda r: r.valvira.restore_right(UNKNOWN, "T06", actor="x", reason="y")),
    ("valvira.right.removed", lambda r: r.valvira.restore_right(r.number("nurse"), "T06", actor="x", reason="y")),
    (
        "valvira.right.removed",
        lambda r: r.valvira.restore_right(r.number("student-whose-right-lapsed"), "T20", actor="x", reason="y"),
    ),
    (
        "valvira.right.not-twice",
        lambda r: r.valvira.restore_right(r.number("physician-restored"), "001", actor="x", reason="y"),
    ),
    ("valvira.person.known", lambda r: r.valvira.restrict_right(UNKNOWN, "001", ["10"], actor="x", reason="y")),
    (
        "valvira.right.held",
        lambda r: r.valvira.restrict_right(r.number("nurse"), "001", ["10"], actor="x", reason="y"),
    ),
    (
        "valvira.restriction.code",
        lambda r: r.valvira.restrict_right(r.number("nurse"), "T06", ["11"], actor="x", reason="y"),
    ),
    (
        "valvira.restriction.code",
        lambda r: r.valvira.restrict_right(r.number("nurse"), "T06", [], actor="x", reason="y"),
    ),
    (
        "valvira.restriction.not-twice",
        lambda r: r.valvira.restrict_right(r.number("restricted-physician"), "001", ["10"], actor="x", reason="y"),
    ),
    ("valvira.person.known", lambda r: r.valvira.lift_restriction(UNKNOWN, "001", "10", actor="x", reason="y")),
    (
        "valvira.restriction.held",
        lambda r: r.valvira.lift_restriction(r.number("restricted-physician"), "001", "90", actor="x", reason="y"),
    ),
    ("valvira.search.one-person", lambda r: r.valvira.search()),
    ("valvira.search.one-person", lambda r: r.valvira.search(surname="Tuiskuoja")),
    ("valvira.search.one-person", lambda r: r.valvira.search(given_names="Lumi")),
    (
        "valvira.search.one-person",
        lambda r: r.valvira.search(registration_number=UNKNOWN, surname="Tuiskuoja", given_names="Lumi"),
    ),
    ("valvira.search.no-wildcards", lambda r: r.valvira.search(surname="Tuisku*", given_names="Lumi")),
    ("valvira.search.no-wildcards", lambda r: r.valvira.search(surname="Tuiskuoja", given_names="%")),
    (
        "valvira.restriction.period",
        lambda r: r.valvira.restrict_right(
            r.number("nurse"), "T06", ["10"], actor="x", reason="x", valid_to=date(2026, 5, 3)
        ),
    ),
    (
        "valvira.restriction.period",
        lambda r: r.valvira.restrict_right(
            r.number("nurse"), "T06", ["10"], actor="x", reason="x", valid_to=date(9999, 12, 31)
        ),
    ),
    ("valvira.search.name", lambda r: r.valvira.search(surname="T" * 10_000, given_names="Lumi")),
    ("valvira.search.name", lambda r: r.valvira.search(surname="T\x00", given_names="Lumi")),
]


@pytest.mark.parametrize(("rule", "action"), REFUSALS)
def test_a_refusal_names_its_rule_and_changes_nothing(
    registers: Registers, rule: str, action: Callable[[Registers], object]
) -> None:
    """A trainee would be told the wrong rule, or half of the refused change would stay; only the refusal is noted."""
    before = _everything(registers)
    assert _rule(lambda: action(registers)) == rule
    assert _everything(registers) == before
    if not rule.startswith("valvira.search."):  # who only looks leaves no entry
        with registers.records.look() as session:
            last = session.scalars(select(JournalEntry).order_by(JournalEntry.sequence.desc())).first()
        assert last is not None and (last.action, rule in last.details) == ("refused", True)


def test_every_rule_of_the_office_has_a_refusal_here() -> None:
    named = {rule for rule, _ in REFUSALS if rule.startswith("valvira.")}
    assert named == set(valvira_rules().rules)


def test_every_rule_that_the_office_names_is_in_its_book() -> None:
    named = set()
    for path in package_file("valvira").glob("*.py"):
        named |= {word for word in path.read_text(encoding="utf-8").split('"') if word.startswith("valvira.")}
    assert named == set(valvira_rules().rules)


def test_the_public_service_finds_one_person_by_number_or_by_name_in_any_case(registers: Registers) -> None:
    by_number = registers.valvira.search(registration_number=registers.number("restricted-physician"))
    by_name = registers.valvira.search(surname="jääskeläPURO", given_names="antero")
    assert by_number == by_name
    (entry,) = by_number
    assert (entry.surname, entry.birth_year) == ("Jääskeläpuro", 1963)
    assert [(right.title_sv, right.restricted) for right in entry.rights] == [("Legitimerad läkare", True)]


def test_the_public_service_shows_no_identity_code_and_no_content_of_a_restriction(registers: Registers) -> None:
    (entry,) = registers.valvira.search(registration_number=registers.number("restricted-physician"))
    shown = repr(entry)
    assert registers.hetu("restricted-physician").value[:6] not in shown
    assert "'30'" not in shown


def test_the_public_service_shows_no_ended_right_and_nobody_without_one(registers: Registers) -> None:
    assert registers.valvira.search(registration_number=registers.number("nurse-whose-right-was-removed")) == []
    assert registers.valvira.search(registration_number=UNKNOWN) == []
    (entry,) = registers.valvira.search(registration_number=registers.number("physician-restored"))
    assert len(entry.rights) == 1


def test_the_public_service_is_a_daily_copy_that_lags_behind_the_register(
    registers: Registers, newcomer: Person
) -> None:
    """Nobody would learn why systems must ask the attribute service instead (docs/field/registration.md 9.1)."""
    removed = registers.number("nurse")
    registers.valvira.remove_right(removed, "T06", actor="official", reason="test")
    granted = registers.valvira.grant_right(newcomer, "T06", actor="official").registration_number
    registers.advance(hours=1)
    assert registers.codes_in_force(removed) == []
    assert registers.valvira.search(registration_number=removed) != []
    assert registers.valvira.search(registration_number=granted) == []
    registers.advance(days=1)
    assert registers.valvira.search(registration_number=removed) == []
    assert registers.valvira.search(registration_number=granted) != []


def test_names_follow_the_population_register_at_the_next_decision(registers: Registers) -> None:
    person = registers.person("nurse")
    renamed = Person(person.hetu, person.given_names, "Uusinimi-Testi", person.language, person.home_address)
    registers.valvira.grant_right(renamed, "T07", actor="official")
    professional = registers.valvira.professional(registers.number("nurse"))
    assert professional is not None
    assert professional.person.surname == "Uusinimi-Testi"


def test_every_decision_is_in_the_journal_without_identity_codes(registers: Registers, newcomer: Person) -> None:
    number = registers.valvira.grant_right(newcomer, "001", actor="anna").registration_number
    registers.valvira.restrict_right(number, "001", ["10"], actor="anna", reason="a")
    registers.valvira.lift_restriction(number, "001", "10", actor="anna", reason="b")
    registers.valvira.remove_right(number, "001", actor="anna", reason="c")
    registers.valvira.restore_right(number, "001", actor="anna", reason="d")
    with registers.records.look() as session:
        entries = session.scalars(
            select(JournalEntry).where(JournalEntry.subject == number.value).order_by(JournalEntry.sequence)
        ).all()
        assert first_break(session) is None
    assert [entry.action for entry in entries] == [
        "grant-right",
        "restrict-right",
        "lift-restriction",
        "remove-right",
        "restore-right",
    ]
    assert {entry.actor for entry in entries} == {"anna"}
    assert not any(newcomer.hetu.value in entry.details + entry.subject for entry in entries)


def test_a_world_is_loaded_once_and_a_broken_one_not_at_all(registers: Registers, tmp_path: Path) -> None:
    with pytest.raises(Fault, match="not empty"):
        registers.valvira.load_world(WORLD)
    with open_registers(database_url(tmp_path / "other.db"), tmp_path / "o", world=False) as empty:
        with pytest.raises(Fault):
            empty.valvira.load_world(tmp_path)
        assert empty.valvira.registration_numbers() == []


def test_the_name_of_the_authority_changes_with_the_time() -> None:
    """Old cases would bear the name of an authority that did not exist then."""
    assert authority_name(datetime(2025, 12, 31, 12, tzinfo=UTC)).short == "Valvira"
    assert authority_name(datetime(2026, 1, 1, 12, tzinfo=UTC)).short == "LVV"
    assert authority_name(datetime(1990, 1, 1, tzinfo=UTC)).short == "Valvira"


def _everything(registers: Registers) -> list[object]:
    numbers = registers.valvira.registration_numbers()
    with registers.records.look() as session:
        entries = session.scalars(select(JournalEntry.hash).where(JournalEntry.action != "refused")).all()
    return [entries, *(registers.valvira.professional(number) for number in numbers)]
