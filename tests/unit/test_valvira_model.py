"""Any sequence of grants, removals, restorations and restrictions gives the history that plain intervals give."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from registers_world import WORLD, Registers, open_registers

from sotepki.clock import finnish_day
from sotepki.errors import Refused
from sotepki.identifiers import RegistrationNumber
from sotepki.records import first_break
from sotepki.valvira.periods import start_of_finnish_day
from sotepki.valvira.public_web import public_json

CODES = st.sampled_from(["T06", "001"])
MICROSECOND = timedelta(microseconds=1)


@dataclass
class Interval:
    """In force from ``begins`` until before ``ends``; ``removed`` if a removal ended it."""

    begins: datetime
    ends: datetime | None = None
    last_moment: datetime | None = None

    def covers(self, at: datetime) -> bool:
        return self.begins <= at and not any(end is not None and at >= end for end in (self.ends, self.last_moment))


class Rights(RuleBasedStateMachine):
    """One person, two rights with restrictions, a clock that only goes forward; removals take effect at once."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.registers: Registers = self.stack.enter_context(
            open_registers("sqlite://", Path("/nonexistent"), world=False)
        )
        self.registers.population.load_world(WORLD)
        self.registers.valvira.load_world(WORLD)
        self.person = self.registers.person("client-adult")
        self.number: RegistrationNumber | None = None
        self.model: dict[str, list[Interval]] = {"T06": [], "001": []}
        self.restrictions: dict[tuple[str, str], list[Interval]] = {
            (code, target): [] for code in self.model for target in ("10", "30")
        }
        self.seen: Counter[tuple[str, date, date | None]] = Counter()
        self.moments: list[datetime] = []

    def teardown(self) -> None:
        self.stack.close()

    @property
    def now(self) -> datetime:
        return self.registers.clock.now()

    @initialize()
    def remember_the_beginning(self) -> None:
        self.moments.append(self.now)

    @rule(hours=st.integers(1, 24 * 40))
    def time_passes(self, hours: int) -> None:
        self.registers.advance(hours=hours)
        self.moments.append(self.now)

    @rule(code=CODES, days=st.none() | st.integers(0, 60))
    def grant(self, code: str, days: int | None) -> None:
        today = finnish_day(self.now)
        last_day = None if days is None else today + timedelta(days=days)
        over = None if last_day is None else start_of_finnish_day(last_day + timedelta(days=1))
        held = any(interval.covers(self.now) for interval in self.model[code])
        try:
            professional = self.registers.valvira.grant_right(self.person, code, actor="model", valid_to=last_day)
        except Refused as refused:
            assert held, "only a right that is held may be refused"
            assert refused.rule == "valvira.right.not-twice"
            return
        assert not held
        assert self.number in (None, professional.registration_number)
        self.number = professional.registration_number
        begins = start_of_finnish_day(today)
        for interval in self.model[code]:
            ended = min(end for end in (interval.ends, interval.last_moment) if end is not None)
            begins = max(begins, ended)
        self.model[code].append(Interval(begins, None, over))
        self.moments += [begins, begins - MICROSECOND, *([over, over - MICROSECOND] if over else [])]

    @rule(code=CODES)
    def remove(self, code: str) -> None:
        number = self.number or RegistrationNumber("00999999999")
        held = [interval for interval in self.model[code] if interval.covers(self.now)]
        try:
            self.registers.valvira.remove_right(number, code, actor="model", reason="model")
        except Refused as refused:
            assert not held
            assert refused.rule == ("valvira.right.held" if self.number else "valvira.person.known")
            return
        assert len(held) == 1
        held[0].ends = self.now
        self.moments += [self.now, self.now - MICROSECOND, self.now + MICROSECOND]

    @rule(code=CODES)
    def restore(self, code: str) -> None:
        if self.number is None:
            return
        last_removal = max((i.ends for i in self.model[code] if i.ends is not None), default=None)
        cut = [i for i in self.model[code] if i.ends is not None and i.ends == last_removal]
        lasting = [i for i in cut if i.last_moment is None or self.now < i.last_moment]
        last = lasting[-1] if lasting else None
        possible = last is not None
        held = any(interval.covers(self.now) for interval in self.model[code])
        try:
            self.registers.valvira.restore_right(self.number, code, actor="model", reason="model")
        except Refused as refused:
            assert not possible or held
            assert refused.rule == ("valvira.right.not-twice" if possible else "valvira.right.removed")
            return
        assert possible and last is not None and not held
        self.model[code].append(Interval(self.now, None, last.last_moment))
        self.moments += [self.now, self.now - MICROSECOND]

    @invariant()
    def history_is_the_models(self) -> None:
        if self.number is None:
            return
        for at in self.moments[-12:]:
            expected = sorted(
                code for code, intervals in self.model.items() if any(interval.covers(at) for interval in intervals)
            )
            assert self.registers.codes_in_force(self.number, at) == expected, at

    @rule(code=CODES, aim=st.sampled_from(["10", "30"]), days=st.none() | st.integers(0, 30))
    def restrict(self, code: str, aim: str, days: int | None) -> None:
        if self.number is None:
            return
        last_day = None if days is None else finnish_day(self.now) + timedelta(days=days)
        ends = None if last_day is None else start_of_finnish_day(last_day + timedelta(days=1))
        held = any(interval.covers(self.now) for interval in self.model[code])
        mine = self.restrictions[code, aim]
        in_force = any(interval.covers(self.now) for interval in mine)
        try:
            self.registers.valvira.restrict_right(
                self.number, code, [aim], actor="model", reason="model", valid_to=last_day
            )
        except Refused as refused:
            assert not held or in_force
            assert refused.rule == ("valvira.restriction.not-twice" if held else "valvira.right.held")
            return
        assert held and not in_force
        mine.append(Interval(self.now, ends))
        self.moments += [self.now, *([ends, ends - MICROSECOND] if ends else [])]

    @rule(code=CODES, aim=st.sampled_from(["10", "30"]))
    def lift(self, code: str, aim: str) -> None:
        if self.number is None:
            return
        in_force = [interval for interval in self.restrictions[code, aim] if interval.covers(self.now)]
        try:
            self.registers.valvira.lift_restriction(self.number, code, aim, actor="model", reason="model")
        except Refused as refused:
            assert not in_force
            assert refused.rule == "valvira.restriction.held"
            return
        (lifted,) = in_force
        lifted.ends = self.now
        self.moments += [self.now, self.now - MICROSECOND]

    @invariant()
    def restrictions_are_the_models(self) -> None:
        if self.number is None:
            return
        for at in self.moments[-8:]:
            for right in self.registers.valvira.rights_in_force(self.number, at):
                expected = [
                    target
                    for (code, target), intervals in sorted(self.restrictions.items())
                    if code == right.code and any(interval.covers(at) for interval in intervals)
                ]
                assert list(right.restrictions) == expected, at

    @invariant()
    def no_right_is_in_force_twice_and_no_period_is_lost(self) -> None:
        """One person, one number; a right at most once at any moment; what was once in the history stays there."""
        if self.number is None:
            return
        for at in self.moments[-12:]:
            codes = self.registers.codes_in_force(self.number, at)
            assert len(codes) == len(set(codes))
        professional = self.registers.valvira.professional_of(self.person.hetu)
        assert professional is not None and professional.registration_number == self.number
        periods = Counter((right.code, right.valid_from, right.valid_to) for right in professional.rights)
        assert not self.seen - periods, "a period has gone from the history"
        self.seen = periods

    @invariant()
    def the_public_sees_the_rights_of_the_morning_and_no_identity_code(self) -> None:
        if self.number is None:
            return
        found = self.registers.valvira.search(registration_number=self.number)
        assert self.person.hetu.value not in json.dumps([public_json(entry) for entry in found])
        morning = start_of_finnish_day(finnish_day(self.now))
        known = [right.code for right in self.registers.valvira.rights_in_force(self.number, morning)]
        shown = [right.title_fi for entry in found for right in entry.rights]
        assert len(shown) <= len(known), "an ended right, or one that begins later, is shown"

    @invariant()
    def the_journal_is_whole(self) -> None:
        with self.registers.records.look() as session:
            assert first_break(session) is None


TestRights = Rights.TestCase
TestRights.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
