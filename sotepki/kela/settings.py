"""What is not public about Kanta, as typed values; each stands in settings.yaml with its source and grade."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cache
from typing import Any

from sotepki.errors import Fault
from sotepki.evidence import Basis, Grade, load_yaml, refuse_unknown_keys
from sotepki.identifiers import Oid
from sotepki.kela.rules import all_rules
from sotepki.resources import package_file


class WhenStatusUnavailable(StrEnum):
    """What the archive does when an OCSP responder gives no usable answer."""

    REFUSE = "refuse"
    WARN = "accept-with-warning"


class SharkQuirk(StrEnum):
    """Known quirks of the public validation service (docs/field/kanta.md 7: confirmed)."""

    MISSING_DECLARATION = "missing-declaration"
    CRLF = "crlf"


@dataclass(frozen=True)
class KantaSettings:
    """One environment of the emulator. Sizes in bytes, times in seconds; see settings.yaml for the evidence."""

    receiver: Oid
    acknowledgement: str
    service_requests: frozenset[str]
    server_policies: frozenset[str]
    when_status_unavailable: WhenStatusUnavailable
    refuses_by_choice: frozenset[str]
    max_message_bytes: int
    read_seconds: float
    workers: int
    shark_checks_signatures: bool
    shark_quirks: frozenset[SharkQuirk]

    @property
    def refuses(self) -> frozenset[str]:
        """Rules that refuse whatever their evidence allows against a vendor: the emulator's own policy."""
        if self.when_status_unavailable is WhenStatusUnavailable.WARN:
            return self.refuses_by_choice
        return self.refuses_by_choice | {"kanta.client.status-unavailable", "kanta.document.status-unavailable"}


@cache
def load_settings() -> KantaSettings:
    """The settings that come with the package; change single values with ``dataclasses.replace``.

    Raises:
        Fault: the file has an unknown or missing key, or a value without evidence.
    """
    raw = load_yaml(package_file("kela", "settings.yaml"))
    names = [field.name for field in fields(KantaSettings)]
    refuse_unknown_keys(raw, names, "settings.yaml")
    missing = sorted(set(names) - set(raw))
    if missing:
        raise Fault(f"settings.yaml lacks {missing[0]}.")
    values = {name: _value(name, raw[name]) for name in names}
    try:
        settings = KantaSettings(
            receiver=Oid.parse(str(values["receiver"])),
            acknowledgement=str(values["acknowledgement"]),
            service_requests=frozenset(map(str, values["service_requests"])),
            server_policies=frozenset(map(str, values["server_policies"])),
            when_status_unavailable=WhenStatusUnavailable(values["when_status_unavailable"]),
            refuses_by_choice=frozenset(map(str, values["refuses_by_choice"])),
            max_message_bytes=int(values["max_message_bytes"]),
            read_seconds=float(values["read_seconds"]),
            workers=int(values["workers"]),
            shark_checks_signatures=bool(values["shark_checks_signatures"]),
            shark_quirks=frozenset(SharkQuirk(quirk) for quirk in values["shark_quirks"]),
        )
    except (TypeError, ValueError) as error:
        raise Fault(f"settings.yaml is not well formed: {error}.") from error
    for rule_id in settings.refuses_by_choice:
        all_rules()[rule_id]
    return settings


def _value(name: str, row: Any) -> Any:
    if not isinstance(row, dict):
        raise Fault(f"settings.yaml: {name} must be a mapping with value, source, grade and basis.")
    refuse_unknown_keys(row, ("value", "source", "grade", "basis"), f"settings.yaml: {name}")
    try:
        Grade(row["grade"])
        Basis(row["basis"])
        return row["value"] if row["source"] else None
    except (KeyError, ValueError) as error:
        raise Fault(f"settings.yaml: {name} has no evidence: {error}.") from error
