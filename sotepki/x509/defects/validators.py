"""What other validators say of the vectors, where they judge otherwise than we do: ``validators.yaml``."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sotepki.errors import Fault
from sotepki.evidence import Verdict, expect_keys, load_yaml
from sotepki.resources import package_file


@dataclass(frozen=True)
class OtherView:
    """A verdict of another validator on a vector, and why it comes to it."""

    verdict: Verdict
    reason: str


@dataclass(frozen=True)
class Validator:
    """A validator that was run over all vectors.

    Attributes:
        measured: the versions that were run.
        series: the beginnings of version numbers for which the views are held to be true.
        asked: how it is asked, for the page.
        views: its verdict by vector id, where it is another than that of path validation.
    """

    id: str
    name: str
    measured: str
    series: tuple[str, ...]
    asked: str
    views: Mapping[str, OtherView]

    def knows(self, version: str) -> bool:
        """Whether the views are held to be true for a version: ``3.7`` stands for ``3.7.9``, not for ``3.70``."""
        return any(version == one or version.startswith(f"{one}.") for one in self.series)


@functools.cache
def load_validators(path: Path | None = None) -> Mapping[str, Validator]:
    """The validators by id, in file order (``validators.yaml`` of this package when no path is given).

    Raises:
        Fault: an unknown or missing key, a bad verdict, a view without a reason, a vector named twice.
    """
    path = path or package_file("x509", "defects", "validators.yaml")
    raw = load_yaml(path)
    if not isinstance(raw, dict):
        raise Fault(f"{path.name} must be a mapping from the id of a validator to what it says.")
    return {str(name): _validator(str(name), row, f"{path.name}, {name}") for name, row in raw.items()}


def _validator(name: str, row: Any, where: str) -> Validator:
    expect_keys(row, {"name", "measured", "series", "asked", "views"}, where)
    views: dict[str, OtherView] = {}
    for number, entry in enumerate(row["views"], start=1):
        place = f"{where}, view {number}"
        expect_keys(entry, {"verdict", "reason", "vectors"}, place)
        try:
            view = OtherView(Verdict(entry["verdict"]), " ".join(str(entry["reason"]).split()))
        except ValueError as error:
            raise Fault(f"{place} is not well formed: {error}.") from None
        if not view.reason or not entry["vectors"]:
            raise Fault(f"{place} needs a reason and the ids of its vectors.")
        for vector in map(str, entry["vectors"]):
            if vector in views:
                raise Fault(f"{place} names the vector {vector!r}, which this validator has a view of already.")
            views[vector] = view
    return Validator(
        id=name,
        name=str(row["name"]),
        measured=str(row["measured"]),
        series=tuple(map(str, row["series"])),
        asked=" ".join(str(row["asked"]).split()),
        views=views,
    )
