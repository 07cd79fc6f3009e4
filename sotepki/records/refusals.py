"""Refusals leave a trace: what was refused, to whom and by which rule stands in the audit journal."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

from sotepki.errors import Refused
from sotepki.records.transaction import Records

P = ParamSpec("P")
T = TypeVar("T")

_NAME = re.compile(r"[A-Za-z0-9.:_-]{1,64}")
_IDENTITY_CODE = re.compile(r"[0-9]{6}[-+A-FU-Y][0-9]{3}")


@contextmanager
def refusals_journalled(records: Records, *, office: str, actor: str, step: str, subject: str) -> Iterator[None]:
    """Journal a ``Refused`` that leaves the block, then let it go on. Never use it inside a ``change``."""
    try:
        yield
    except Refused as refused:
        with records.change(office, actor) as tx:
            tx.journal("refused", subject, step=step, rule=refused.rule)
        raise


def journals_refusals(office: str, subject: str = "") -> Callable[[Callable[P, T]], Callable[P, T]]:
    """For a method of an office that has ``records`` and takes an ``actor``: its refusals are journalled.

    Args:
        subject: name of the parameter that says what the request is about. What has not the form of a name, or may be
            an identity code, is not repeated.
    """

    def journalling(method: Callable[P, T]) -> Callable[P, T]:
        signature = inspect.signature(method)

        @wraps(method)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            given = signature.bind(*args, **kwargs).arguments
            with refusals_journalled(
                given["self"].records,
                office=office,
                actor=str(given["actor"]),
                step=method.__name__.replace("_", "-"),
                subject=_named(given.get(subject)),
            ):
                return method(*args, **kwargs)

        return call

    return journalling


def _named(value: object) -> str:
    text = str(getattr(value, "value", value))
    return text if value is not None and _NAME.fullmatch(text) and not _IDENTITY_CODE.search(text) else "request"
