"""What is counted as what: on the last day, on the day after it, and at midnight in Finland."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pandas as pd
import pytest

from sotepki.clock import SetClock
from sotepki.ministry import collect, reading
from sotepki.ministry.figures import Figures
from sotepki.records import Records

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
MIDNIGHT = datetime(2026, 4, 27, 21, tzinfo=UTC)
"""In Finland: 28 April begins."""
SOON, PAST, JUST_OVER = NOW + timedelta(days=30), NOW - timedelta(days=30), NOW - timedelta(seconds=1)


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


# kind, state, ordered_at, delivered_at
CARDS = [
    ("professional", "activated", ago(20), ago(6)),
    ("professional", "activated", ago(30), ago(20)),
    ("professional", "delivered", ago(10), ago(4)),
    ("professional", "expired", ago(2000), ago(1990)),
    ("professional", "ordered", ago(1), None),
    ("personnel", "in-production", ago(2), None),
    ("professional", "cancelled", ago(3), None),
]
# profile, not_after, revoked_at, reason
CERTIFICATES = [
    ("server", SOON, None, None),
    ("server", NOW, None, None),
    ("server", JUST_OVER, None, None),
    ("server", SOON, ago(3), "superseded"),
    ("server", JUST_OVER, ago(9), "superseded"),
    ("e-mail", SOON, ago(2), "keyCompromise"),
]
# kind, state, submitted_at, issued_at, promised_by
APPLICATIONS = [
    ("server", "issued", ago(14), MIDNIGHT - timedelta(minutes=1), "2026-04-27"),
    ("server", "issued", ago(14), MIDNIGHT, "2026-04-27"),
    ("server", "issued", ago(9), ago(8), "2026-05-02"),
    ("server", "submitted", ago(8), None, "2026-05-03"),
    ("server", "submitted", ago(6), None, "2026-05-05"),
    ("server", "submitted", ago(7), None, "2026-05-04"),
    ("server", "returned", ago(7), None, None),
    ("server", "awaiting-csr", None, None, None),
    ("server", "lapsed", None, None, None),
    ("e-mail", "expired", ago(900), ago(899), None),
]
# register, code, title_fi, began_at, over_at, ended_at, bound
RIGHTS = [
    ("terhikki", "001", "lääkäri", PAST, None, None, False),
    ("terhikki", "001", "lääkäri", NOW, SOON, None, True),
    ("terhikki", "001", "lääkäri", SOON, None, None, True),
    ("terhikki", "001", "lääkäri", PAST, NOW, None, True),
    ("terhikki", "001", "lääkäri", PAST, JUST_OVER, JUST_OVER, False),
    ("terhikki", "001", "lääkäri", PAST, SOON, SOON, False),
    ("suosikki", "T40", "sosiaalityöntekijä", PAST, ago(1), ago(1), False),
]
# office, rule, at
REFUSALS = [("dvv", "order.one-card", ago(3)), ("dvv", "order.one-card", ago(1)), ("kela", "doc.right", ago(2))]


def frame(rows: Sequence[tuple[Any, ...]], columns: str, *moments: str) -> pd.DataFrame:
    made = pd.DataFrame(list(rows), columns=columns.split())
    return made.assign(**{name: pd.to_datetime(made[name], utc=True) for name in moments})


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> Figures:
    applications = frame(APPLICATIONS, "kind state submitted_at issued_at promised_by", "submitted_at", "issued_at")
    read = {
        "card_orders": frame(CARDS, "kind state ordered_at delivered_at", "ordered_at", "delivered_at"),
        "certificates": frame(CERTIFICATES, "profile not_after revoked_at reason", "not_after", "revoked_at"),
        "applications": applications.assign(promised_by=pd.to_datetime(applications["promised_by"])),
        "refusals": frame(REFUSALS, "office rule at", "at"),
        "rights": frame(
            RIGHTS, "register code title_fi began_at over_at ended_at bound", "began_at", "over_at", "ended_at"
        ),
    }
    for name, table in read.items():
        monkeypatch.setattr(reading, name, lambda *_, table=table: table)
    return collect(cast(Records, SimpleNamespace(clock=SetClock(NOW), look=nullcontext)))


def rows(table: pd.DataFrame, *keys: str) -> dict[Any, tuple[Any, ...]]:
    """The rest of each row by its keys."""
    found = table.astype(dict.fromkeys(keys, str)).set_index(list(keys))
    return {index: tuple(row) for index, row in zip(found.index, found.itertuples(index=False), strict=True)}


def test_cards_are_counted_by_kind_and_state(figures: Figures) -> None:
    found = rows(figures.cards, "kind", "state")
    assert found["professional", "activated"] == (2,)
    assert found["personnel", "in-production"] == (1,)
    assert sum(count for (count,) in found.values()) == len(CARDS)


def test_a_revoked_certificate_is_not_counted_as_expired_and_the_last_moment_is_in_force(figures: Figures) -> None:
    assert rows(figures.certificates, "profile") == {"server": (5, 2, 1, 2), "e-mail": (1, 0, 0, 1)}


def test_revocations_have_their_first_and_last_moment(figures: Figures) -> None:
    found = rows(figures.revocations, "profile", "reason")
    assert found == {
        ("server", "superseded"): (2, ago(9), ago(3)), ("e-mail", "keyCompromise"): (1, ago(2), ago(2)),
    }  # fmt: skip


def test_refusals_are_told_by_office_and_rule(figures: Figures) -> None:
    found = rows(figures.refusals, "office", "rule")
    assert found == {("dvv", "order.one-card"): (2, ago(3), ago(1)), ("kela", "doc.right"): (1, ago(2), ago(2))}


def test_what_ended_by_itself_is_not_what_was_taken(figures: Figures) -> None:
    """A right that came to its last day is another thing than a right that Valvira removed."""
    assert rows(figures.lapses, "what") == {
        "cards expired": (1,),
        "certificates expired": (1,),
        "applications lapsed": (2,),
        "rights at their last day": (1,),
        "rights removed": (2,),
    }


def test_waiting_for_a_card_counts_from_the_order_and_leaves_out_what_was_cancelled(figures: Figures) -> None:
    done, still, median, nine_of_ten, longest, kept, missed = rows(figures.waiting, "what")["card, from the order"]
    assert (done, still, median, longest, kept, missed) == (4, 2, 10.0, 14.0, 0, 0)
    assert nine_of_ten == pytest.approx(12.8)


def test_dvvs_promise_is_kept_until_midnight_in_finland(figures: Figures) -> None:
    """A minute decides; what is not issued is late from the day after, and is waited for until then."""
    told = rows(figures.waiting, "what")["service certificate, from the application"]
    done, still, _, _, longest, kept, missed = told
    assert (done, still, kept, missed) == (4, 3, 2, 2)
    assert 7 < longest < 8


def test_a_right_is_in_force_from_its_first_moment_and_not_at_its_end(figures: Figures) -> None:
    """One that was removed with a day to come is in force until then; a restriction counts while the right does."""
    assert rows(figures.rights, "register", "code", "title_fi") == {
        ("terhikki", "001", "lääkäri"): (3, 1, 2),
        ("suosikki", "T40", "sosiaalityöntekijä"): (0, 0, 1),
    }
