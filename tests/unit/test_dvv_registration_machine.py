"""Whatever organisations, registrars, DVV and time do in whatever order: an open point has what it needs or says so.

``MACHINE_EXAMPLES`` makes a long run, as for the service certificates.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from office_world import COUNTY, LIMITED, NURSE, PHYSICIAN, STRANGER
from registration_world import make_registration

from sotepki.clock import finnish_day
from sotepki.dvv.registration.points import Standing
from sotepki.dvv.registration.store import CONTRACTS_IN_FORCE
from sotepki.errors import Misuse, Refused
from sotepki.records import first_break

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "8"))
PEOPLE = st.sampled_from([NURSE, PHYSICIAN, LIMITED])
ACTORS = st.sampled_from([PHYSICIAN, STRANGER, "dvv", "somebody"])


class RegistrationMachine(RuleBasedStateMachine):
    """The desks for contracts, points and registrars with all that can happen to them."""

    points = Bundle("points")

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.desk = make_registration(Path(self.directory.name))
        for person in (NURSE, PHYSICIAN):
            self.desk.trained(person)
        self.closed: set[str] = set()

    def teardown(self) -> None:
        self.desk.world.records.database.close()
        self.directory.cleanup()

    @rule(target=points, ready=st.booleans(), number=st.integers(0, 2))
    def plan(self, ready: bool, number: int) -> str:
        point = f"POINT-{number}"
        self._try(lambda: self.desk.planned(point))
        if ready:
            self._try(lambda: self.desk.office.equip(point, by="dvv", card_readers=2, locked_storage=True,
                                                     access_control=True))  # fmt: skip
            for person in (NURSE, PHYSICIAN):
                self.registrar(point, person, "grant")
        return point

    @rule(point=points, readers=st.integers(0, 3), cabinet=st.booleans(), by=ACTORS)
    def equip(self, point: str, readers: int, cabinet: bool, by: object) -> None:
        self._try(
            lambda: self.desk.office.equip(point, by=by, card_readers=readers, locked_storage=cabinet)  # type: ignore[arg-type]
        )

    @rule(point=points, person=PEOPLE, step=st.sampled_from(["grant", "reject", "withdraw"]))
    def registrar(self, point: str, person: object, step: str) -> None:
        office = self.desk.office
        if step == "grant":
            number = self._certificate(person)
            self._try(lambda: office.apply_registrar(person, point, certificate=number, by=PHYSICIAN))  # type: ignore[arg-type]
            self._try(lambda: office.grant(person, point))  # type: ignore[arg-type]
        elif step == "reject":
            self._try(lambda: office.reject(person, point, reason="no"))  # type: ignore[arg-type]
        else:
            self._try(lambda: office.withdraw(person, point, reason="left", by="dvv"))  # type: ignore[arg-type]

    @rule(point=points)
    def open(self, point: str) -> None:
        self._try(lambda: self.desk.office.open(point))

    @rule(point=points, by=ACTORS)
    def close(self, point: str, by: object) -> None:
        self._try(lambda: self.desk.office.close(point, reason="moved", by=by))  # type: ignore[arg-type]

    @rule(number=st.integers(0, 3), by=ACTORS)
    def end_contract(self, number: int, by: object) -> None:
        found = self.desk.contracts.contracts(organisation=COUNTY)
        if number < len(found):
            self._try(lambda: self.desk.contracts.end(found[number].id, reason="over", by=by))  # type: ignore[arg-type]

    @rule(days=st.sampled_from([1, 30, 200, 700]))
    def time(self, days: int) -> None:
        self.desk.later(days=days)
        self.desk.contracts.follow_time()
        self.desk.office.follow_time()

    @rule(person=st.sampled_from([NURSE, PHYSICIAN]))
    def take_the_course_again(self, person: object) -> None:
        self.desk.trained(person)  # type: ignore[arg-type]

    def _certificate(self, person: object) -> str:
        try:
            return self.desk.course.certificate(person).number  # type: ignore[arg-type]
        except Misuse:
            return "none"

    @staticmethod
    def _try(step: Callable[[], object]) -> None:
        with contextlib.suppress(Refused, Misuse):
            step()

    @invariant()
    def points_are_what_they_are_shown_as(self) -> None:
        day = finnish_day(self.desk.world.clock.now())
        for point in self.desk.points.points():
            lacks = self.desk.points.shortcomings(point.id)
            if point.state in ("open", "below-requirements"):
                assert (point.state == "below-requirements") == bool(lacks), point
            if point.state == "open" and point.contract:
                assert self.desk.contracts.contract(point.contract).state in CONTRACTS_IN_FORCE
            for registrar in self.desk.points.registrars(point.id):
                in_force = registrar.standing(day) is Standing.IN_FORCE
                assert in_force == (registrar.state == "in-force"), registrar
                if registrar.certificate:
                    assert registrar.trained_on is not None and registrar.trained_on <= day
            if point.id in self.closed:
                assert point.state == "closed"
            if point.state == "closed":
                self.closed.add(point.id)
                assert not self.desk.points.trained(point.id, self.desk.world.clock.now())

    @invariant()
    def journal_verifies(self) -> None:
        with self.desk.world.records.look() as session:
            assert first_break(session) is None


TestRegistrationMachine = RegistrationMachine.TestCase
TestRegistrationMachine.settings = settings(
    max_examples=EXAMPLES, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
