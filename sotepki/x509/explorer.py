"""The profile explorer: profiles as tables, differences between two, and what a change would cost.

For notebooks. Frames are pandas; measuring is in ``sotepki.x509.what_if``, whose names are given here too.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sotepki.x509.profiles import Profile, ProfileRow, find_profile, load_profiles
from sotepki.x509.what_if import (
    Algorithm,
    CrlGrowth,
    Overlay,
    WhatIf,
    available_algorithms,
    crl_growth,
    what_if,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Algorithm",
    "CrlGrowth",
    "Overlay",
    "WhatIf",
    "available_algorithms",
    "crl_growth",
    "crl_growth_frame",
    "diff_profiles",
    "profile_frame",
    "profiles_frame",
    "rows_frame",
    "what_if",
    "what_if_frame",
]

_COMPARED = ("presence", "value", "critical", "rule")


def profiles_frame() -> pd.DataFrame:
    """One line for each profile, indexed by id: title, kind, environment, family, how many rows by grade."""
    import pandas as pd

    lines = []
    for profile in load_profiles().values():
        grades = [str(row.grade) for row in profile.rows]
        line: dict[str, Any] = {
            "profile": profile.id,
            "title": profile.title,
            "kind": str(profile.kind),
            "environment": str(profile.environment),
            "family": str(profile.family),
            "issuers": ", ".join(profile.issuers),
            "rows": len(profile.rows),
            "own_rows": sum(row.stated_in == profile.id for row in profile.rows),
        }
        line |= {name: grades.count(name) for name in ("confirmed", "secondhand", "inferred", "recalled", "unknown")}
        lines.append(line)
    return pd.DataFrame(lines).set_index("profile")


def profile_frame(profile_id: str) -> pd.DataFrame:
    """The rows of one profile, indexed by field; columns as in ``cert profiles --format json``.

    Raises:
        Misuse: there is no such profile.
    """
    frame = rows_frame()
    return frame[frame["profile"] == find_profile(profile_id).id].set_index("field").drop(columns="profile")


def rows_frame() -> pd.DataFrame:
    """All rows of all profiles, one line each, with the column ``profile``."""
    import pandas as pd

    return pd.DataFrame(
        [{"profile": profile.id} | row.as_dict() for profile in load_profiles().values() for row in profile.rows]
    )


def diff_profiles(first: str, second: str, *, wording: bool = False) -> pd.DataFrame:
    """Where two profiles differ: columns ``field``, ``what``, and one for each profile, named by its id.

    Args:
        wording: also rows that differ only in the words of their rule.

    Raises:
        Misuse: there is no such profile.
    """
    import pandas as pd

    one, other = find_profile(first), find_profile(second)
    lines = []
    for field in dict.fromkeys((*_rows(one), *_rows(other))):
        mine, theirs = _rows(one).get(field), _rows(other).get(field)
        if mine is None or theirs is None:
            present = {first: "present" if mine else "no row", second: "present" if theirs else "no row"}
            lines.append({"field": field, "what": "row"} | present)
            continue
        for what in _COMPARED if wording else _COMPARED[:-1]:
            left, right = _cell(mine, what), _cell(theirs, what)
            if left != right:
                lines.append({"field": field, "what": what, first: left, second: right})
    return pd.DataFrame(lines, columns=["field", "what", *dict.fromkeys((first, second))])


def what_if_frame(profile_id: str, overlays: list[Overlay], **options: Any) -> pd.DataFrame:
    """``what_if`` for several overlays, one line each, with ratios to the first as ``..._ratio`` columns."""
    import pandas as pd

    lines = [what_if(profile_id, overlay, **options).as_dict() for overlay in overlays]
    frame = pd.DataFrame(lines).set_index("overlay")
    for column in ("certificate_octets", "chain_octets", "card_octets", "sign_ms", "verify_ms"):
        frame[f"{column.removesuffix('_octets').removesuffix('_ms')}_ratio"] = (
            frame[column] / frame[column].iloc[0]
        ).round(2)
    return frame


def crl_growth_frame(
    *, issued_per_year: int, revoked_share: float, lifetime_years: float, years: int, algorithm: Algorithm
) -> pd.DataFrame:
    """``crl_growth`` indexed by year: entries and octets of the list at the end of each."""
    import pandas as pd

    growth = crl_growth(
        issued_per_year=issued_per_year,
        revoked_share=revoked_share,
        lifetime_years=lifetime_years,
        years=years,
        algorithm=algorithm,
    )
    return pd.DataFrame([one.__dict__ for one in growth]).set_index("year")


def _rows(profile: Profile) -> dict[str, ProfileRow]:
    """Rows by the end of their ids, since a subject may have one attribute twice."""
    return {row.id.removeprefix(f"cert.{profile.id}."): row for row in profile.rows}


def _cell(row: ProfileRow, what: str) -> str:
    if what == "value":
        return json.dumps(row.raw, ensure_ascii=False)
    return str(getattr(row, what))
