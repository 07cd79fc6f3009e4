"""The APDU door of a card: power, reset and commands in bytes, with faults on demand and a trace.

A door is the electric side of one inserted card. What stands behind it runs in the chip's process and asks the vault
for every PIN and key; a reader driver (PC/SC), a test or a script hands it bytes and gets bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol

from cryptography import x509

from sotepki.card.kinds import Credential, KeyUse
from sotepki.card.shelf import CardShelf
from sotepki.x509.lenient import DerCertificate

ProfileName = Literal["opensc", "authentic", "citizen"]
LayoutName = Literal["application", "master-file"]
LanguageName = Literal["fi", "sv", "en"]

# Signs a certificate that a fault needs (expired, without the SV number, of another key) as the CA of the true one
# would, and gives its DER.
Reissue = Callable[[x509.CertificateBuilder, DerCertificate], bytes]


class Quirks(StrEnum):
    """Whether the card shows the odd answers of real organisational cards (docs/field/card.md 3.2)."""

    BY_PROFILE = "by-profile"
    ON = "on"
    OFF = "off"


@dataclass(frozen=True)
class Exchange:
    """One command and its answer, with the time between them. It may hold a PIN: show it by ``trace.explain``."""

    command: bytes
    response: bytes
    milliseconds: float


@dataclass(frozen=True)
class Faults:
    """What is wrong with a card or its contact; the defaults are a card without faults.

    Attributes:
        tries: tries left, lowered to this number when the fault is set, as if somebody had tried; 0 locks. A counter
            is never raised, and what was lowered stays so until the right PIN or the activation code is given.
        latency: seconds that every command takes in addition.
        pulled_after: the card is gone after this many answered commands, counted from when the fault was set.
        pulled_in_signature: the card is gone before the answer of its next signature leaves it.
        expired: certificates of the same key and subject whose validity ended the day before the true one's began.
        mismatched: each certificate stands in the other's file.
        wrong_key: certificates of another key than the one on the card.
        missing_signature_certificate: the file of the signature certificate is not there.
        missing_sv_number: the certificates lack the prescriber's identifier (subject pseudonym, former SV number).
        missing_ca_files: the CA files are not there, although the directory of certificates names them.
        unreadable_ca_files: the CA files are selected and then refuse to be read (6982).
        corrupted_token_info: EF.TokenInfo has damaged bytes.
        quirks: the odd answers of real cards; the profile ``authentic`` has them by itself.
    """

    tries: Mapping[Credential, int] = field(default_factory=dict)
    latency: float = 0.0
    pulled_after: int | None = None
    pulled_in_signature: bool = False
    expired: frozenset[KeyUse] = frozenset()
    mismatched: bool = False
    wrong_key: frozenset[KeyUse] = frozenset()
    missing_signature_certificate: bool = False
    missing_sv_number: bool = False
    missing_ca_files: bool = False
    unreadable_ca_files: bool = False
    corrupted_token_info: bool = False
    quirks: Quirks = Quirks.BY_PROFILE


NO_FAULTS = Faults()


class ChipDoor(Protocol):
    """The contacts of one inserted card. Calls from several threads follow one another."""

    @property
    def atr(self) -> bytes:
        """The answer to reset, power or not."""
        ...

    @property
    def present(self) -> bool:
        """Whether the card is still there; a pulled card never comes back through the same door."""
        ...

    def power_on(self) -> bytes:
        """Give power: every PIN is forgotten. The answer is the ATR, or nothing if the card is gone."""
        ...

    def power_off(self) -> None:
        """Take the power: every PIN is forgotten."""
        ...

    def reset(self) -> bytes:
        """Warm reset: every PIN is forgotten. The answer is the ATR, or nothing if the card is gone."""
        ...

    def transmit(self, command: bytes) -> bytes:
        """Answer any bytes with response data and two status bytes; with nothing if the card is gone."""
        ...

    def set_faults(self, faults: Faults) -> None:
        """Change what is wrong with the card, while it is in the reader. PINs and selected file stay as they are."""
        ...


@contextmanager
def open_door(
    shelf: CardShelf,
    number: str,
    *,
    profile: ProfileName | str = "opensc",
    layout: LayoutName | str = "application",
    language: LanguageName | str = "fi",
    faults: Faults | None = None,
    trace: Callable[[Exchange], None] | None = None,
    reissue: Reissue | None = None,
    in_this_process: bool = False,
) -> Iterator[ChipDoor]:
    """Put a card into a reader and open its APDU door; leaving pulls the card.

    Args:
        shelf: where the cards are.
        number: the card.
        profile: ``opensc``, ``authentic``, ``citizen`` or another name of ``card/operating/profiles.yaml``.
        layout: ``application`` (DF 5015 holds the PKCS#15 files) or ``master-file`` (they are under 3F00).
        language: of the labels on the card.
        faults: what is wrong with the card from the beginning.
        trace: called after each command, in the caller's thread.
        reissue: signs the certificates that faults ask for; without it they are signed by a key nobody trusts, under
            the issuer's name.
        in_this_process: see ``CardShelf.insert``.

    Raises:
        Misuse: rule ``card.unknown`` or ``card.profile``.
        Refused: rule ``card.in-use``.
        Fault: the chip does not start.
    """
    from sotepki.card.reader import CardDoor

    with shelf.insert(number, in_this_process=in_this_process) as card:
        yield CardDoor(
            card,
            profile=profile,
            layout=layout,
            language=language,
            faults=faults or NO_FAULTS,
            trace=trace,
            reissue=reissue,
        )
