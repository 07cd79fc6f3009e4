"""Signature Creation Services: a vendor's middleware that offers one, and a web system that uses one."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from conformance.sut.facets import Trust


class Situation(StrEnum):
    """What is the case at the workstation, and what the person there does when a PIN is asked for."""

    READY = "ready"
    """A card is in the reader; the person types the right PIN."""
    CANCELS = "cancels"
    WRONG_PIN = "wrong-pin"
    """The person types a wrong PIN once."""
    LOCKED = "locked"
    """PIN2 is locked."""
    NO_CARD = "no-card"


@dataclass(frozen=True)
class ScsAddress:
    """Where a service is.

    Attributes:
        url: its base.
        tls: how to meet its certificate.
        certificate: that certificate in PEM, for a system that is told whom to trust.
        trust: the authorities of the cards; None if the service is the system's own.
    """

    url: str
    tls: ssl.SSLContext = field(repr=False)
    certificate: str = ""
    trust: Trust | None = None


class OffersScs(Protocol):
    """Runs a Signature Creation Service."""

    def versions(self) -> Sequence[str]:
        """The versions that it can be run in; one for most."""
        ...

    def situated(self, situation: Situation, version: str) -> AbstractContextManager[ScsAddress]:
        """The running service with things at the workstation as they are to be."""
        ...


@dataclass(frozen=True)
class ScsUse:
    """What a web system made of the answer of a service: whether it took it, and why not in its own words."""

    accepted: bool
    reason: str = ""


class UsesScs(Protocol):
    """A web system whose pages call the service at an address in the name of ``origin``."""

    @property
    def origin(self) -> str: ...

    def log_in(self, scs: ScsAddress) -> ScsUse:
        """Log the person in with the card."""
        ...

    def sign(self, scs: ScsAddress, content: bytes) -> ScsUse:
        """Have the person sign a content with the card."""
        ...
