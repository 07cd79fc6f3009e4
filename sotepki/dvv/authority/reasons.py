"""Why a certificate is revoked: one vocabulary for every office that asks for it (``revocation_reasons.yaml``)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509

from sotepki.dvv.authority.plan import HolderKind
from sotepki.errors import Fault
from sotepki.evidence import Basis, Grade, expect_keys, load_yaml
from sotepki.resources import package_file

_KEYS = frozenset({"reason", "kinds", "text", "source", "grade", "basis"})


@dataclass(frozen=True)
class RevocationReason:
    """A reason by its word (``id``), with its code of RFC 5280 5.3.1; ``formerly`` are words it had before."""

    id: str
    reason: x509.ReasonFlags
    kinds: frozenset[HolderKind]
    text: str
    source: str
    grade: Grade
    basis: Basis
    formerly: frozenset[str] = frozenset()

    def goes_by(self, word: str) -> bool:
        """Whether ``word`` names this reason: its word, a former one, or its code (``keyCompromise``)."""
        return word in (self.id, *self.formerly) or _letters(word) == _letters(self.reason.value)


def reason_called(word: str, reasons: Mapping[str, RevocationReason] | None = None) -> RevocationReason | None:
    """The reason that ``word`` names, also by its code of RFC 5280 or a former word; None if there is none."""
    known = _reasons() if reasons is None else reasons
    return next((reason for reason in known.values() if reason.goes_by(word)), None)


def load_reasons(path: Path | None = None) -> Mapping[str, RevocationReason]:
    """Read the reasons of revocation by id (``revocation_reasons.yaml`` of this package when no path is given).

    Raises:
        Fault: an unknown or missing key, a bad value, or a word or code that two reasons go by.
    """
    path = path or package_file("dvv", "authority", "revocation_reasons.yaml")
    reasons = {word: _reason(word, row, f"{path.name}, reason {word}") for word, row in load_yaml(path).items()}
    for one in reasons.values():
        for word in (one.id, one.reason.value, *one.formerly):
            if [other.id for other in reasons.values() if other.goes_by(word)] != [one.id]:
                raise Fault(f"In {path.name} two reasons go by {word!r}.")
    return reasons


@cache
def _reasons() -> Mapping[str, RevocationReason]:
    return load_reasons()


def _reason(word: str, row: Any, where: str) -> RevocationReason:
    expect_keys(row, _KEYS, where, optional={"formerly"})
    try:
        return RevocationReason(
            id=word,
            reason=x509.ReasonFlags(row["reason"]),
            kinds=frozenset(HolderKind(kind) for kind in row["kinds"]),
            text=row["text"],
            source=row["source"],
            grade=Grade(row["grade"]),
            basis=Basis(row["basis"]),
            formerly=frozenset(row.get("formerly", ())),
        )
    except ValueError as error:
        raise Fault(f"In {where}: {error}.") from None


def _letters(word: str) -> str:
    return re.sub("[-_ ]", "", word).lower()
