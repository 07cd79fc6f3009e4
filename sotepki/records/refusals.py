"""Refusals leave a trace: what was refused, to whom and by which rule stands in the audit journal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sotepki.errors import Refused
from sotepki.records.transaction import Records


@contextmanager
def refusals_journalled(records: Records, *, office: str, actor: str, step: str, subject: str) -> Iterator[None]:
    """Journal a ``Refused`` that leaves the block, then let it go on. Never use it inside a ``change``."""
    try:
        yield
    except Refused as refused:
        with records.change(office, actor) as tx:
            tx.journal("refused", subject, step=step, rule=refused.rule)
        raise
