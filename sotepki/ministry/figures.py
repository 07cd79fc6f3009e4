"""The figures: one table for each question, with typed columns (``columns.COLUMNS``), over one snapshot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime

import pandas as pd

from sotepki.clock import finnish_day
from sotepki.ministry import reading
from sotepki.ministry.columns import COLUMNS
from sotepki.records import Records

_LAPSED = ("lapsed", "expired")


@dataclass(frozen=True)
class Figures:
    """Every table at one moment; the fields are the keys of ``COLUMNS``."""

    at: datetime
    cards: pd.DataFrame
    certificates: pd.DataFrame
    revocations: pd.DataFrame
    lapses: pd.DataFrame
    waiting: pd.DataFrame
    refusals: pd.DataFrame
    rights: pd.DataFrame

    def tables(self) -> Iterator[tuple[str, pd.DataFrame]]:
        """The tables by name, in their order."""
        for field in fields(self):
            if field.name in COLUMNS:
                yield field.name, getattr(self, field.name)


def collect(records: Records) -> Figures:
    """The figures of now, read in one snapshot of the books."""
    now = records.clock.now()
    with records.look() as session:
        cards, certificates = reading.card_orders(session), reading.certificates(session)
        applications, refusals = reading.applications(session), reading.refusals(session)
        rights = reading.rights(session, now)
    return Figures(
        at=now,
        cards=_typed("cards", cards.groupby(["kind", "state"]).size().reset_index(name="count")),
        certificates=_typed("certificates", _certificates(certificates, now)),
        revocations=_typed("revocations", _spans(certificates, ["profile", "reason"], "revoked_at")),
        lapses=_typed("lapses", _lapses(cards, certificates, applications, rights, now)),
        waiting=_typed("waiting", pd.DataFrame([_card_waiting(cards), _application_waiting(applications, now)])),
        refusals=_typed("refusals", _spans(refusals, ["office", "rule"], "at")),
        rights=_typed("rights", _rights(rights, now)),
    )


def _certificates(found: pd.DataFrame, now: datetime) -> pd.DataFrame:
    revoked, over = found["revoked_at"].notna(), found["not_after"] < now
    states = found.assign(
        issued=1, in_force=(~revoked & ~over).astype(int), expired=(~revoked & over).astype(int),
        revoked=revoked.astype(int),
    )  # fmt: skip
    return states.groupby("profile")[["issued", "in_force", "expired", "revoked"]].sum().reset_index()


def _spans(found: pd.DataFrame, keys: list[str], moment: str) -> pd.DataFrame:
    """How often each combination of keys occurs, when first and when last; rows without a moment do not count."""
    groups = found[found[moment].notna()].groupby(keys)[moment]
    return groups.agg(count="size", first="min", last="max").reset_index()


def _lapses(
    cards: pd.DataFrame, certificates: pd.DataFrame, applications: pd.DataFrame, rights: pd.DataFrame, now: datetime
) -> pd.DataFrame:
    # A right that was removed has its ended_at; one that is over without it came to its last day.
    over = rights["over_at"].notna() & (rights["over_at"] <= now)
    counts = {
        "cards expired": (cards["state"] == "expired").sum(),
        "certificates expired": (certificates["revoked_at"].isna() & (certificates["not_after"] < now)).sum(),
        "applications lapsed": applications["state"].isin(_LAPSED).sum(),
        "rights at their last day": (over & rights["ended_at"].isna()).sum(),
        "rights removed": (over & rights["ended_at"].notna()).sum(),
    }
    return pd.DataFrame(list(counts.items()), columns=["what", "count"])


def _card_waiting(cards: pd.DataFrame) -> dict[str, object]:
    days = (cards["delivered_at"] - cards["ordered_at"]).dt.total_seconds() / 86_400
    still = cards["delivered_at"].isna() & cards["state"].isin(["ordered", "in-production"])
    return {"what": "card, from the order", **_waiting(days.dropna(), int(still.sum())), **_promise(0, 0)}


def _application_waiting(found: pd.DataFrame, now: datetime) -> dict[str, object]:
    sent = found[found["submitted_at"].notna()]
    days = (sent["issued_at"] - sent["submitted_at"]).dt.total_seconds() / 86_400
    today, promised = pd.Timestamp(finnish_day(now)), sent["promised_by"]
    issued_on = sent["issued_at"].dt.tz_convert("Europe/Helsinki").dt.tz_localize(None).dt.normalize()
    kept = (promised.notna() & (issued_on <= promised)).sum()
    missed = (promised.notna() & ((issued_on > promised) | (issued_on.isna() & (promised < today)))).sum()
    still = sent["issued_at"].isna() & promised.notna()
    return {
        "what": "service certificate, from the application",
        **_waiting(days.dropna(), int(still.sum())),
        **_promise(int(kept), int(missed)),
    }


def _waiting(days: pd.Series[float], still: int) -> dict[str, object]:
    return {
        "done": len(days),
        "open": still,
        "median": days.median(),
        "nine_of_ten": days.quantile(0.9),
        "longest": days.max(),
    }


def _promise(kept: int, missed: int) -> dict[str, object]:
    return {"promise_kept": kept, "promise_missed": missed}


def _rights(rights: pd.DataFrame, now: datetime) -> pd.DataFrame:
    in_force = (rights["began_at"] <= now) & (rights["over_at"].isna() | (rights["over_at"] > now))
    over = rights["over_at"].notna() & (rights["over_at"] <= now)
    counted = rights.assign(
        in_force=in_force.astype(int), restricted=(in_force & rights["bound"]).astype(int), ended=over.astype(int)
    )
    keys = ["register", "code", "title_fi"]
    return counted.groupby(keys)[["in_force", "restricted", "ended"]].sum().reset_index()


def _typed(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    columns = dict(COLUMNS[name].columns)
    return frame[list(columns)].astype(columns).reset_index(drop=True)
