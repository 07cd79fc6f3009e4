"""Refusals of a provider's own rules leave a trace in the journal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sotepki.errors import Refused
from sotepki.records import Records

OFFICE = "provider"


@contextmanager
def refusals_journalled(records: Records, *, actor: str, step: str, subject: str) -> Iterator[None]:
    """Journal a ``Refused`` that leaves the block, then let it go on. Never use it inside a ``change``."""
    try:
        yield
    except Refused as refused:
        with records.change(OFFICE, actor) as tx:
            tx.journal("refused", subject, step=step, rule=refused.rule)
        raise
