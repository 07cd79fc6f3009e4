"""What is not public about Kanta, as typed values; each stands in settings.yaml with its source and grade."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from sotepki.errors import Fault, Refused
from sotepki.evidence import Basis, Grade, load_yaml, refuse_unknown_keys
from sotepki.identifiers import Oid
from sotepki.kela.rules import all_rules
from sotepki.kela.setting_values import choice, choices, element_name, number, truth, whole, words
from sotepki.resources import package_file
from sotepki.xmldsig import DEFAULT_LIMITS

MOST_PROCESSES = 64
"""More would not be begun together on any machine that this is for."""

MOST_WORKERS = 256
"""Threads of each process; more than messages that any responder would be asked about at once."""

LARGEST_MESSAGE = DEFAULT_LIMITS.size
"""Frame and document are read by the one XML reader: a message that it does not take need not be waited for."""

READ_SECONDS = (0.1, 3600)
"""Less than the first leaves no time to read anything."""

LONGEST_MEMORY = 86_400
"""A revocation would not be noticed for longer than a day; nobody means that."""

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
    return _settings(_values(), "settings.yaml")


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
        also = frozenset(words("refuses_also", row["refuses_also"]))
    except (TypeError, ValueError) as error:
        raise Fault(f"{where} is not well formed: {error}.") from error
    for rule_id in also:
        all_rules()[rule_id]
    settings = _settings(values | row["settings"], f"{where}: settings")
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


def _settings(values: Mapping[str, Any], where: str) -> KantaSettings:
    try:
        settings = KantaSettings(
            receiver=Oid.parse(str(values["receiver"])),
            acknowledgement=element_name("acknowledgement", values["acknowledgement"]),
            service_requests=_word_set(values, "service_requests"),
            usage_situations=_word_set(values, "usage_situations"),
            server_policies=_word_set(values, "server_policies"),
            server_authorities=words("server_authorities", values["server_authorities"]),
            signing_authorities=words("signing_authorities", values["signing_authorities"]),
            when_status_unavailable=choice(
                "when_status_unavailable", values["when_status_unavailable"], WhenStatusUnavailable
            ),
            refuses_by_choice=_word_set(values, "refuses_by_choice"),
            max_message_bytes=whole("max_message_bytes", values["max_message_bytes"], 1, LARGEST_MESSAGE),
            read_seconds=number("read_seconds", values["read_seconds"], *READ_SECONDS),
            workers=whole("workers", values["workers"], 1, MOST_WORKERS),
            processes=whole("processes", values["processes"], 1, MOST_PROCESSES),
            hang_seconds=number("hang_seconds", values["hang_seconds"], *HANG_SECONDS, nought="never") or math.inf,
            shark_checks_signatures=truth("shark_checks_signatures", values["shark_checks_signatures"]),
            shark_quirks=choices("shark_quirks", values["shark_quirks"], SharkQuirk),
            memory_seconds=number("memory_seconds", values["memory_seconds"], 0, LONGEST_MEMORY),
        )
    except Refused as refused:
        raise Fault(f"{where}: receiver is no OID. {refused.sentence}") from refused
    except ValueError as error:
        raise Fault(f"{where}: {error}.") from error
    for rule_id in settings.refuses_by_choice:
        all_rules()[rule_id]
    return settings


def _word_set(values: Mapping[str, Any], name: str) -> frozenset[str]:
    return frozenset(words(name, values[name]))


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
