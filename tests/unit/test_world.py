"""The test world: complete, well formed, reproducible, and without anything real."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from datetime import date
from types import ModuleType

import pytest
from databases import database_url
from registers_world import NOON, WORLD, Registers, open_registers

from sotepki.clock import finnish_day
from sotepki.evidence import Basis, Grade, load_csv, load_yaml
from sotepki.identifiers import Hetu, Oid, business_id_of
from sotepki.identifiers.hetu import CENTURY_OF_SIGN
from sotepki.registers import Register, RightKind
from sotepki.thl import OrganisationKind

MADE = ("people.csv", "professionals.csv", "rights.csv", "restrictions.csv", "organisations.csv",
        "registration_points.yaml", "cast.yaml")  # fmt: skip
PEOPLE = ("hetu", "surname", "given_names", "language", "home_address")


@pytest.fixture(scope="module")
def registers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registers]:
    directory = tmp_path_factory.mktemp("world")
    with open_registers(database_url(directory / "world.db"), directory / "outbox") as opened:
        yield opened


def _generator(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(WORLD))
    spec = importlib.util.spec_from_file_location("world_generate", WORLD / "generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "world_generate", module)
    spec.loader.exec_module(module)
    return module


def test_the_files_are_what_the_generator_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change by hand, or a generator that drifted, would make two worlds that look alike."""
    made = _generator(monkeypatch).generate()
    assert set(made) == set(MADE)
    for name, content in made.items():
        assert (WORLD / name).read_bytes() == content, f"run fixtures/world/generate.py: {name} differs"


def test_there_are_60_people_with_every_century_sign_twice() -> None:
    """A vendor's system that does not know a sign would not meet it."""
    hetus = [Hetu.parse(row["hetu"]) for row in load_csv(WORLD / "people.csv", PEOPLE)]
    assert len(hetus) >= 60
    assert len(set(hetus)) == len(hetus)
    for sign in CENTURY_OF_SIGN:
        assert sum(hetu.value[6] == sign for hetu in hetus) >= 2, sign


def test_everybody_is_born_and_only_very_old_people_bear_a_plus() -> None:
    for row in load_csv(WORLD / "people.csv", PEOPLE):
        born = Hetu(row["hetu"]).birth_date
        assert date(1890, 1, 1) < born < date(2026, 1, 1)
        assert ("+" in row["hetu"]) == (born.year < 1900)


def test_names_are_in_finnish_and_swedish_with_letters_that_break_careless_software() -> None:
    rows = load_csv(WORLD / "people.csv", PEOPLE)
    assert {row["language"] for row in rows} == {"fi", "sv"}
    names = "".join(row["surname"] + row["given_names"] for row in rows)
    assert set("äöåÅÖÁé- ") <= set(names)


@pytest.mark.parametrize(
    ("role", "codes"),
    [
        ("physician", ["001"]),
        ("specialist-physician", ["001", "034"]),
        ("dentist-and-physician", ["001", "T02"]),
        ("nurse", ["T06"]),
        ("social-worker", ["T40"]),
        ("sosionomi", ["T41"]),
        ("pharmacist", ["T04"]),
        ("farmaseutti", ["T05"]),
        ("pharmacy-student", ["T21"]),
        ("restricted-physician", ["001"]),
        ("nurse-whose-right-was-removed", []),
        ("student-whose-right-lapsed", []),
        ("nurse-with-three-rights", ["T06", "T07", "T08"]),
        ("in-both-registers", ["T12", "T41"]),
        ("physician-restored", ["001"]),
    ],
)
def test_the_cast_holds_the_rights_that_the_examples_need(registers: Registers, role: str, codes: list[str]) -> None:
    """The demo and the notebooks would tell a story that the registers do not."""
    assert registers.codes_in_force(registers.number(role)) == codes
    assert registers.valvira.professional_of(registers.hetu(role)) is not None


def test_the_time_limited_right_ends_in_the_future_of_any_day_of_loading(registers: Registers) -> None:
    """A fixed last day would break the examples when it passes."""
    (right,) = registers.valvira.rights_in_force(registers.number("pharmacy-student"), NOON)
    assert right.kind is RightKind.LIMITED
    assert right.valid_to is not None
    assert (right.valid_to - finnish_day(NOON)).days == 400


def test_both_registers_and_restrictions_are_there(registers: Registers) -> None:
    (restricted,) = registers.valvira.rights_in_force(registers.number("restricted-physician"), NOON)
    assert restricted.restrictions == ("10", "30")
    both = registers.valvira.rights_in_force(registers.number("in-both-registers"), NOON)
    assert {right.register for right in both} == {Register.TERHIKKI, Register.SUOSIKKI}


def test_prescribers_have_an_identifier_and_others_have_none(registers: Registers) -> None:
    prescribing = {entry.code for entry in registers.valvira.right_codes() if entry.prescriber}
    for number in registers.valvira.registration_numbers():
        professional = registers.valvira.professional(number)
        assert professional is not None
        held = {right.code for right in professional.rights}
        assert (professional.prescriber_id is not None) == bool(held & prescribing), number


def test_there_are_15_organisations_of_every_kind_marked_test(registers: Registers) -> None:
    organisations = registers.thl.organisations()
    assert len(organisations) >= 15
    assert {organisation.kind for organisation in organisations} == set(OrganisationKind)
    for organisation in organisations:
        assert organisation.name.endswith("TEST")
        assert business_id_of(organisation.oid) == organisation.business_id
        assert all(domain.endswith(".test.example") for domain in organisation.domains)
    assert [organisation.name for organisation in organisations if organisation.kanta_intermediary] == [
        "Välityspalvelu Silta Oy TEST"
    ]


def test_registration_points_and_registrars_refer_to_what_exists(registers: Registers) -> None:
    """An order at a point of a missing organisation, or by a missing registrar, would fail for the wrong reason."""
    data = load_yaml(WORLD / "registration_points.yaml")
    points = {point["id"] for point in data["points"]}
    for point in data["points"]:
        assert set(point) == {"id", "organisation_oid", "public", "name"}
        organisation = registers.thl.organisation(Oid(point["organisation_oid"]))
        assert organisation is not None
        assert organisation.public == point["public"]
    trained: dict[str, int] = dict.fromkeys(points, 0)
    for registrar in data["registrars"]:
        assert set(registrar) == {"hetu", "point", "trained_on", "valid_to"}
        assert registers.population.person(Hetu.parse(registrar["hetu"])) is not None
        trained[registrar["point"]] += registrar["trained_on"] is not None and registrar["valid_to"] > finnish_day(
            NOON
        )
    assert sorted(trained.values()) == [1, 2, 2, 2]


def test_a_code_is_confirmed_only_where_a_public_source_shows_it(registers: Registers) -> None:
    """A stand-in code would pass for a national one."""
    for entry in registers.thl.codes(Oid("1.2.246.537.6.140.2008")).codes:
        stand_in = entry.code.startswith("T")
        assert stand_in == (entry.basis is Basis.CHOICE)
        assert (entry.grade is Grade.CONFIRMED) == (entry.code == "034")
        assert entry.name_fi and entry.name_sv and entry.name_en and entry.source


def test_valvira_and_the_code_service_name_rights_alike(registers: Registers) -> None:
    listed = {
        c.code: (c.name_fi, c.name_sv, c.name_en) for c in registers.thl.codes(Oid("1.2.246.537.6.140.2008")).codes
    }
    granted = {c.code: (c.title_fi, c.title_sv, c.title_en) for c in registers.valvira.right_codes()}
    assert listed == granted


def test_the_readme_tells_every_file() -> None:
    text = (WORLD / "README.md").read_text(encoding="utf-8")
    for path in WORLD.iterdir():
        if path.name not in {"README.md", "__pycache__"}:
            assert f"`{path.name}" in text, path.name
