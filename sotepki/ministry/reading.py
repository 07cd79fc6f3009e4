"""Reading what is counted: one plain table for each question, with no person in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import Select, exists, func, or_, select
from sqlalchemy.orm import Session

from sotepki.dvv.authority.tables import CertificateRow, RevocationRow
from sotepki.dvv.service_certificates.tables import ApplicationRow
from sotepki.dvv.vartti.tables import CardOrderRow, CardStepRow
from sotepki.kela.request_log import REFUSALS
from sotepki.kela.tables import LoggedRequest
from sotepki.records import JournalEntry
from sotepki.valvira.tables import RestrictionRow, RightCodeRow, RightRow

REFUSED = "refused"


def card_orders(session: Session) -> pd.DataFrame:
    """A row for each card order: kind, state, when it was ordered and when the card was there (or NaT)."""
    there = (
        select(CardStepRow.order.label("number"), func.min(CardStepRow.at).label("delivered_at"))
        .where(CardStepRow.state == "delivered")
        .group_by(CardStepRow.order)
        .subquery()
    )
    return _frame(
        session,
        select(CardOrderRow.kind, CardOrderRow.state, CardOrderRow.ordered_at, there.c.delivered_at).outerjoin(
            there, there.c.number == CardOrderRow.number
        ),
        ["kind", "state", "ordered_at", "delivered_at"],
        moments=["ordered_at", "delivered_at"],
    )


def certificates(session: Session) -> pd.DataFrame:
    """A row for each certificate: profile, its end, and when and why it was revoked (or NaT and None)."""
    query = select(
        CertificateRow.profile, CertificateRow.not_after, RevocationRow.revoked_at, RevocationRow.reason
    ).outerjoin(RevocationRow, RevocationRow.certificate_id == CertificateRow.id)
    return _frame(
        session,
        query,
        ["profile", "not_after", "revoked_at", "reason"],
        moments=["not_after", "revoked_at"],
    )


def applications(session: Session) -> pd.DataFrame:
    """A row for each application for a service certificate: kind, state, submitted, promised, issued."""
    query = select(
        ApplicationRow.kind,
        ApplicationRow.state,
        ApplicationRow.submitted_at,
        ApplicationRow.promised_by,
        ApplicationRow.issued_at,
    )
    names = ["kind", "state", "submitted_at", "promised_by", "issued_at"]
    frame = _frame(session, query, names, moments=["submitted_at", "issued_at"])
    return frame.assign(promised_by=pd.to_datetime(frame["promised_by"]))


def rights(session: Session, now: datetime) -> pd.DataFrame:
    """A row for each period of a right: register, code, title, begin, end, removal, and whether it is restricted."""
    bound = exists().where(
        RestrictionRow.registration_number == RightRow.registration_number,
        RestrictionRow.right_code == RightRow.code,
        RestrictionRow.began_at <= now,
        or_(RestrictionRow.lifted_at.is_(None), RestrictionRow.lifted_at > now),
    )
    query = select(
        RightCodeRow.register,
        RightRow.code,
        RightCodeRow.title_fi,
        RightRow.began_at,
        RightRow.over_at,
        RightRow.ended_at,
        bound,
    ).join(RightCodeRow, RightCodeRow.code == RightRow.code)
    names = ["register", "code", "title_fi", "began_at", "over_at", "ended_at", "bound"]
    frame = _frame(session, query, names, moments=["began_at", "over_at", "ended_at"])
    return frame.astype({"bound": bool})


def refusals(session: Session) -> pd.DataFrame:
    """A row for each refusal: office, rule and moment, from the journal and from Kanta's log of requests."""
    entries = session.execute(
        select(JournalEntry.office, JournalEntry.details, JournalEntry.at).where(JournalEntry.action == REFUSED)
    )
    rows: list[tuple[str, str, Any]] = [
        (office, str(json.loads(details).get("rule", "")), at) for office, details, at in entries
    ]
    for rules, at in session.execute(
        select(LoggedRequest.rules, LoggedRequest.at).where(LoggedRequest.outcome.in_(REFUSALS))
    ):
        rows += [("kela", rule, at) for rule in json.loads(rules)]
    frame = pd.DataFrame(rows, columns=["office", "rule", "at"])
    return frame.assign(at=pd.to_datetime(frame["at"], utc=True))


def _frame(
    session: Session, query: Select[*tuple[Any, ...]], names: Sequence[str], *, moments: Sequence[str]
) -> pd.DataFrame:
    frame = pd.DataFrame([tuple(row) for row in session.execute(query)], columns=list(names))
    return frame.assign(**{name: pd.to_datetime(frame[name], utc=True) for name in moments})
