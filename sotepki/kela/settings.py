"""What is not public about Kanta, as typed values; each stands in settings.yaml with its source and grade."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from sotepki.errors import Fault
from sotepki.evidence import Basis, Grade, load_yaml, refuse_unknown_keys
from sotepki.identifiers import Oid
from sotepki.kela.rules import all_rules
from sotepki.resources import package_file

MOST_PROCESSES = 64
"""More would not be begun together on any machine that this is for."""

HANG_SECONDS = (3, 3600)
"""A shorter time would end processes that are merely late, a longer one is no time to wait."""


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
    """One environment of the emulator. Sizes in bytes, times in seconds; see settings.yaml for the evidence.

    ``hang_seconds`` is infinite where the file says 0.
    """

    receiver: Oid
    acknowledgement: str
    service_requests: frozenset[str]
    usage_situations: frozenset[str]
    server_policies: frozenset[str]
    server_authorities: tuple[str, ...]
    signing_authorities: tuple[str, ...]
    when_status_unavailable: WhenStatusUnavailable
    refuses_by_choice: frozenset[str]
    max_message_bytes: int
    read_seconds: float
    workers: int
    processes: int
    hang_seconds: float
    shark_checks_signatures: bool
    shark_quirks: frozenset[SharkQuirk]
    memory_seconds: float
    environment: str = "current"

    @property
    def refuses(self) -> frozenset[str]:
        """Rules that refuse whatever their evidence allows against a vendor: the emulator's own policy."""
        if self.when_status_unavailable is WhenStatusUnavailable.WARN:
            return self.refuses_by_choice
        return self.refuses_by_choice | {"kanta.client.status-unavailable", "kanta.document.status-unavailable"}


@dataclass(frozen=True)
class Environment:
    """An environment of Kanta: which version it shows, and the settings that its rules are made of."""

    id: str
    title: str
    version: str
    settings: KantaSettings


@cache
def load_settings() -> KantaSettings:
    """The settings that come with the package; change single values with ``dataclasses.replace``.

    Raises:
        Fault: the file has an unknown or missing key, or a value without evidence.
    """
    return _settings(_values())


@cache
def load_environments(path: Path | None = None) -> Mapping[str, Environment]:
    """The environments by id, from ``environments.yaml`` of this package or from another file of its form.

    Raises:
        Fault: the file has an unknown or missing key, a bad value, or an environment without evidence.
    """
    path = path or package_file("kela", "environments.yaml")
    raw = load_yaml(path)
    if not isinstance(raw, dict) or not raw:
        raise Fault(f"{path.name} must be a mapping from the id of an environment to its rules.")
    return {str(name): _environment(str(name), row, f"{path.name}: {name}") for name, row in raw.items()}


def _environment(name: str, row: Any, where: str) -> Environment:
    keys = ("title", "version", "source", "grade", "basis", "refuses_also", "settings")
    if not isinstance(row, dict) or not isinstance(row.get("settings"), dict):
        raise Fault(f"{where} must be a mapping with {', '.join(keys)}.")
    refuse_unknown_keys(row, keys, where)
    missing = sorted(set(keys) - set(row))
    if missing:
        raise Fault(f"{where} lacks {missing[0]}.")
    values = _values()
    refuse_unknown_keys(row["settings"], values, f"{where}: settings")
    try:
        Grade(row["grade"])
        Basis(row["basis"])
        also = frozenset(map(str, row["refuses_also"]))
    except (TypeError, ValueError) as error:
        raise Fault(f"{where} is not well formed: {error}.") from error
    for rule_id in also:
        all_rules()[rule_id]
    settings = _settings(values | row["settings"])
    settings = replace(settings, refuses_by_choice=settings.refuses_by_choice | also, environment=name)
    return Environment(name, str(row["title"]), str(row["version"]), settings)


def _values() -> dict[str, Any]:
    raw = load_yaml(package_file("kela", "settings.yaml"))
    names = [field.name for field in fields(KantaSettings) if field.name != "environment"]
    refuse_unknown_keys(raw, names, "settings.yaml")
    missing = sorted(set(names) - set(raw))
    if missing:
        raise Fault(f"settings.yaml lacks {missing[0]}.")
    return {name: _value(name, raw[name]) for name in names}


def _settings(values: Mapping[str, Any]) -> KantaSettings:
    try:
        settings = KantaSettings(
            receiver=Oid.parse(str(values["receiver"])),
            acknowledgement=str(values["acknowledgement"]),
            service_requests=frozenset(map(str, values["service_requests"])),
            usage_situations=frozenset(map(str, values["usage_situations"])),
            server_policies=frozenset(map(str, values["server_policies"])),
            server_authorities=tuple(map(str, values["server_authorities"])),
            signing_authorities=tuple(map(str, values["signing_authorities"])),
            when_status_unavailable=WhenStatusUnavailable(values["when_status_unavailable"]),
            refuses_by_choice=frozenset(map(str, values["refuses_by_choice"])),
            max_message_bytes=int(values["max_message_bytes"]),
            read_seconds=float(values["read_seconds"]),
            workers=int(values["workers"]),
            processes=_processes(values["processes"]),
            hang_seconds=_hang_seconds(values["hang_seconds"]),
            shark_checks_signatures=bool(values["shark_checks_signatures"]),
            shark_quirks=frozenset(SharkQuirk(quirk) for quirk in values["shark_quirks"]),
            memory_seconds=float(values["memory_seconds"]),
        )
    except (TypeError, ValueError) as error:
        raise Fault(f"The settings of Kanta are not well formed: {error}.") from error
    for rule_id in settings.refuses_by_choice:
        all_rules()[rule_id]
    return settings


def _processes(value: Any) -> int:
    if type(value) is not int or not 1 <= value <= MOST_PROCESSES:
        raise ValueError(f"processes is {value!r}, it is a whole number from 1 to {MOST_PROCESSES}")
    return value


def _hang_seconds(value: Any) -> float:
    least, most = HANG_SECONDS
    if type(value) not in (int, float) or not (value == 0 or least <= value <= most):
        raise ValueError(f"hang_seconds is {value!r}, it is 0 (never) or a number from {least} to {most}")
    return float(value) or math.inf


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
