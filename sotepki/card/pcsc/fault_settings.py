"""The faults of an inserted card as JSON, so that a command can set them in the process that holds the card."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

from sotepki.card.door import Faults, Quirks
from sotepki.card.kinds import Credential, KeyUse
from sotepki.errors import Misuse

_NAMES = frozenset(field.name for field in fields(Faults))
_LONGEST_LATENCY = 60.0
_MOST_COMMANDS = 1_000_000


def faults_as_dict(faults: Faults) -> dict[str, Any]:
    """Only what is set, in plain values."""
    values: dict[str, Any] = {
        "tries": {str(credential): count for credential, count in faults.tries.items()},
        "latency": faults.latency,
        "pulled_after": faults.pulled_after,
        "pulled_in_signature": faults.pulled_in_signature,
        "expired": sorted(faults.expired),
        "mismatched": faults.mismatched,
        "wrong_key": sorted(faults.wrong_key),
        "missing_signature_certificate": faults.missing_signature_certificate,
        "missing_sv_number": faults.missing_sv_number,
        "missing_ca_files": faults.missing_ca_files,
        "unreadable_ca_files": faults.unreadable_ca_files,
        "corrupted_token_info": faults.corrupted_token_info,
        "quirks": "" if faults.quirks is Quirks.BY_PROFILE else str(faults.quirks),
    }
    return {name: value for name, value in values.items() if value or (value == 0 and name == "pulled_after")}


def faults_from_json(text: str | bytes) -> Faults:
    """The faults that ``faults_as_dict`` wrote as JSON.

    Raises:
        Misuse: rule ``card.faults.form``: it is not of that form, or a value is out of range.
    """
    try:
        raw = json.loads(text)
        if not isinstance(raw, dict) or set(raw) - _NAMES:
            raise ValueError("unknown fault")
        faults = Faults(
            tries={Credential(name): int(count) for name, count in dict(raw.get("tries", {})).items()},
            latency=float(raw.get("latency", 0.0)),
            pulled_after=None if raw.get("pulled_after") is None else int(raw["pulled_after"]),
            pulled_in_signature=bool(raw.get("pulled_in_signature", False)),
            expired=frozenset(KeyUse(use) for use in raw.get("expired", [])),
            mismatched=bool(raw.get("mismatched", False)),
            wrong_key=frozenset(KeyUse(use) for use in raw.get("wrong_key", [])),
            missing_signature_certificate=bool(raw.get("missing_signature_certificate", False)),
            missing_sv_number=bool(raw.get("missing_sv_number", False)),
            missing_ca_files=bool(raw.get("missing_ca_files", False)),
            unreadable_ca_files=bool(raw.get("unreadable_ca_files", False)),
            corrupted_token_info=bool(raw.get("corrupted_token_info", False)),
            quirks=Quirks(raw.get("quirks") or Quirks.BY_PROFILE),
        )
    except (ValueError, TypeError, RecursionError) as error:
        raise Misuse("These are not the faults of a card.", rule="card.faults.form") from error
    return checked_faults(faults)


def checked_faults(faults: Faults) -> Faults:
    """The faults, if their numbers make sense.

    Raises:
        Misuse: rule ``card.faults.form``.
    """
    if not 0 <= faults.latency <= _LONGEST_LATENCY:
        raise Misuse(f"A latency is 0 to {_LONGEST_LATENCY:g} seconds.", rule="card.faults.form")
    if faults.pulled_after is not None and not 0 <= faults.pulled_after <= _MOST_COMMANDS:
        raise Misuse(f"A card is pulled after 0 to {_MOST_COMMANDS} commands.", rule="card.faults.form")
    if not all(0 <= count <= 15 for count in faults.tries.values()):
        raise Misuse("Tries left are 0 to 15.", rule="card.faults.form")
    return faults


def describe_faults(faults: Faults) -> list[str]:
    """One line for each fault that is set."""
    lines = [f"{credential}: at most {count} tries left" for credential, count in faults.tries.items()]
    if faults.latency:
        lines.append(f"every command takes {faults.latency * 1000:g} ms more")
    if faults.pulled_after is not None:
        lines.append(f"pulled after {faults.pulled_after} commands")
    lines += [f"expired {use} certificate" for use in sorted(faults.expired)]
    lines += [f"{use} certificate of another key" for use in sorted(faults.wrong_key)]
    flags = {
        "pulled_in_signature": "pulled in the middle of the next signature",
        "mismatched": "the two certificates stand in each other's file",
        "missing_signature_certificate": "no signature certificate",
        "missing_sv_number": "certificates without the prescriber's identifier",
        "missing_ca_files": "no CA files",
        "unreadable_ca_files": "CA files cannot be read",
        "corrupted_token_info": "EF.TokenInfo is damaged",
    }
    lines += [text for name, text in flags.items() if getattr(faults, name)]
    if faults.quirks is not Quirks.BY_PROFILE:
        lines.append(f"quirks of real cards: {faults.quirks}")
    return lines
