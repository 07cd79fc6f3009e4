"""The catalogue of defects: what is wrong, how it is built, and what a validator and the linter must say of it."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sotepki.errors import Fault, Misuse
from sotepki.evidence import Verdict, expect_keys, load_yaml
from sotepki.resources import package_file
from sotepki.x509.defects.certificate_builders import CERTIFICATE_BUILDERS
from sotepki.x509.defects.path_builders import (
    PATH_BUILDERS,
    Setting,
    good_setting,
    spoilt_certificate,
)
from sotepki.x509.defects.validators import OtherView, Validator, load_validators
from sotepki.x509.defects.world import Base, DefectWorld


@dataclass(frozen=True)
class Expectation:
    """What a check must say: its verdict, and a rule that must stand among the findings (empty: none need)."""

    verdict: Verdict
    rule: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The expectation for JSON."""
        return {"verdict": str(self.verdict), "rules": [self.rule] if self.rule else []}


@dataclass(frozen=True)
class Defect:
    """One named defect, or a good certificate to compare with (``group`` good).

    Attributes:
        title: what is wrong, one sentence.
        base: the good certificate it starts from, and so the purpose it is judged for.
        builder, arguments: how it is built; the name of a certificate builder or of a path builder.
        path: the verdict of path validation with revocation, for the purpose, at the moment of the vectors.
        lint: the verdict of the linter on the certificate alone (``cert lint --own``).
        others: where other validators judge otherwise than ``path``, by the id of the validator.
    """

    id: str
    title: str
    group: str
    base: Base
    builder: str
    path: Expectation
    lint: Expectation
    arguments: Mapping[str, Any] = field(default_factory=dict)
    others: Mapping[str, OtherView] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Whether nothing is wrong with it."""
        return self.group == "good"

    @property
    def openssl(self) -> OtherView | None:
        """What OpenSSL says, where it judges otherwise than ``path``."""
        return self.others.get("openssl")

    def verdict_of(self, validator: str) -> Verdict:
        """The verdict that a validator of ``validators.yaml`` comes to."""
        other = self.others.get(validator)
        return self.path.verdict if other is None else other.verdict

    def build(self, world: DefectWorld) -> Setting:
        """Build it in a world."""
        if self.builder in CERTIFICATE_BUILDERS:
            return spoilt_certificate(world, self.base, self.builder, self.arguments)
        setting = good_setting(world, self.base)
        if self.builder in PATH_BUILDERS:
            return PATH_BUILDERS[self.builder](setting, world, self.base, **self.arguments)
        return setting


@functools.cache
def load_defects(path: Path | None = None) -> Mapping[str, Defect]:
    """The catalogue by id, in file order (``catalogue.yaml`` of this package when no path is given).

    The views of other validators are those of ``validators.yaml``; a catalogue of another path has none.

    Raises:
        Fault: an unknown or missing key, an unknown builder, a bad value; a view about an unknown vector.
    """
    views = {} if path is not None else load_validators()
    path = path or package_file("x509", "defects", "catalogue.yaml")
    raw = load_yaml(path)
    if not isinstance(raw, dict):
        raise Fault(f"{path.name} must be a mapping from defect id to defect.")
    defects = {str(name): _defect(str(name), row, f"{path.name}, {name}") for name, row in raw.items()}
    return with_views(defects, views.values())


def with_views(defects: Mapping[str, Defect], validators: Iterable[Validator]) -> Mapping[str, Defect]:
    """The defects with what each validator says of them.

    Raises:
        Fault: a view is about a vector that is not there, or says what ``path`` says.
    """
    others: dict[str, dict[str, OtherView]] = {name: {} for name in defects}
    for validator in validators:
        for name, view in validator.views.items():
            if name not in defects:
                raise Fault(f"The views of {validator.name} name the unknown vector {name!r}.")
            if view.verdict is defects[name].path.verdict:
                raise Fault(f"{validator.name} is said to differ on {name}, and its verdict is that of 'path'.")
            others[name][validator.id] = view
    return {name: replace(defect, others=others[name]) for name, defect in defects.items()}


def find_defect(name: str) -> Defect:
    """One defect by its id.

    Raises:
        Misuse: there is none.
    """
    known = load_defects()
    if name not in known:
        raise Misuse(f"There is no defect {name!r}.", advice="'sotepki cert defects' lists them.", subject=name)
    return known[name]


def _defect(name: str, row: Any, where: str) -> Defect:
    required = {"title", "group", "base", "builder", "path", "lint"}
    expect_keys(row, required, where, optional={"arguments"})
    builder = str(row["builder"])
    if builder not in CERTIFICATE_BUILDERS and builder not in PATH_BUILDERS and builder != "nothing":
        raise Fault(f"{where} names the unknown builder {builder!r}.")
    try:
        return Defect(
            id=name,
            title=str(row["title"]).strip(),
            group=str(row["group"]),
            base=Base(row["base"]),
            builder=builder,
            arguments=dict(row.get("arguments") or {}),
            path=_expectation(row["path"], where),
            lint=_expectation(row["lint"], where),
        )
    except (ValueError, TypeError) as error:
        raise Fault(f"{where} is not well formed: {error}.") from None


def _expectation(row: Any, where: str) -> Expectation:
    expect_keys(row, {"verdict"}, where, optional={"rule"})
    expected = Expectation(Verdict(row["verdict"]), str(row.get("rule", "")))
    if expected.verdict is Verdict.INVALID and not expected.rule:
        raise ValueError("an invalid verdict names the rule that is broken")
    return expected
