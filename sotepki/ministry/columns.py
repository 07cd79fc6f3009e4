"""The columns of the ministry's tables: name and pandas type, and what each table tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

CATEGORY, COUNT, DAYS, MOMENT = "category", "int64", "float64", "datetime64[ns, UTC]"


@dataclass(frozen=True)
class Table:
    """A table: what it tells, and its columns with their types."""

    title: str
    columns: Mapping[str, str]


COLUMNS: Mapping[str, Table] = {
    "cards": Table("Orders of cards by kind and state", {"kind": CATEGORY, "state": CATEGORY, "count": COUNT}),
    "certificates": Table(
        "Certificates by profile",
        {"profile": CATEGORY, "issued": COUNT, "in_force": COUNT, "expired": COUNT, "revoked": COUNT},
    ),
    "revocations": Table(
        "Revocations by profile and reason",
        {"profile": CATEGORY, "reason": CATEGORY, "count": COUNT, "first": MOMENT, "last": MOMENT},
    ),
    "lapses": Table("What ended because its time was over", {"what": CATEGORY, "count": COUNT}),
    "waiting": Table(
        "Waiting times in days",
        {"what": CATEGORY, "done": COUNT, "open": COUNT, "median": DAYS, "nine_of_ten": DAYS, "longest": DAYS,
         "promise_kept": COUNT, "promise_missed": COUNT},
    ),
    "refusals": Table(
        "Refusals by rule", {"office": CATEGORY, "rule": CATEGORY, "count": COUNT, "first": MOMENT, "last": MOMENT}
    ),
    "rights": Table(
        "Rights by profession",
        {"register": CATEGORY, "code": CATEGORY, "title_fi": CATEGORY, "in_force": COUNT, "restricted": COUNT,
         "ended": COUNT},
    ),
}  # fmt: skip
