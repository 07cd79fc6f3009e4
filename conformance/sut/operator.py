"""Parts of a system that a person operates: the suite says in plain words what to do, and asks what came of it.

What the system must trust and show for the test lies as files in a directory beside its description.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from conformance.sut.asking import pems
from conformance.sut.facets import Delivery, Endpoint, OperatorNeeded, Trust
from conformance.sut.facets_rights import AtWork, RightsDecision, RightsService, RightsTask, RightsTrouble
from conformance.sut.facets_scs import ScsAddress, ScsUse
from conformance.sut.person import Operator
from sotepki.errors import Fault, Misuse
from sotepki.identifiers import RegistrationNumber
from sotepki.records import write_atomically

_TASKS = {
    RightsTask.LOGIN: "log in to your system",
    RightsTask.SIGN: "sign a record in your system",
    RightsTask.PRESCRIBE: "sign a prescription in your system",
}
_ALLOWED = "it was allowed"
_ALLOWED_UNASKED = "it was allowed, with the remark that the rights could not be asked"
_REFUSED = {
    "it was refused: no right is in force": RightsTrouble.NO_RIGHT,
    "it was refused: the right is restricted": RightsTrouble.RESTRICTED,
    "it was refused: there is no right to prescribe": RightsTrouble.NO_PRESCRIBER,
    "it was refused: the rights could not be asked": RightsTrouble.NOT_ASKED,
    "it was refused for another reason": None,
}
_TAKEN, _NOT_TAKEN = "your system went on", "your system did not go on"


@dataclass(frozen=True)
class Handover:
    """The directory in which a person finds what the system needs for the test."""

    directory: Path

    def put(self, name: str, text: str, *, private: bool = False) -> Path:
        """Write a file.

        Raises:
            Misuse: the directory cannot be written.
        """
        path = self.directory / name
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            write_atomically(path, text.encode(), private=private)
        except (OSError, Fault) as error:
            raise Misuse(f"The directory {self.directory} cannot be written: {error}.") from None
        return path

    def authorities(self, trust: Trust) -> Path:
        """The certificates of the authorities, roots first."""
        return self.put("authorities.pem", "".join(pems(trust.roots + trust.intermediates)))


@dataclass(frozen=True)
class Hands:
    """A person with a system: who is spoken to, where files are handed over, how long the suite waits (seconds)."""

    operator: Operator
    handover: Handover
    timeout: float


@dataclass(frozen=True)
class OperatorClient:
    """Asks a person to make the system send."""

    hands: Hands

    def send(self, frame: bytes, endpoint: Endpoint) -> Delivery:
        trusted = self.hands.handover.authorities(endpoint.trust)
        self.hands.operator.tell(
            f"Your turn: make your system send one message to {endpoint.url} now (it trusts {trusted}). "
            f"The suite waits {self.hands.timeout:g} seconds, then goes on; nothing is lost."
        )
        if not endpoint.wait_for_contact(self.hands.timeout):
            raise OperatorNeeded(
                f"Nobody connected to the test endpoint within {self.hands.timeout:g} seconds. "
                "Run what waits again with --resume and this report, and let the system send when the suite says so."
            )
        return Delivery(connected=True)


@dataclass(frozen=True)
class OperatorRights:
    """Asks a person to do tasks as a professional whose rights our service tells."""

    hands: Hands
    proceeds_unasked: bool = False

    @contextmanager
    def session(self, number: RegistrationNumber, name: str, service: RightsService) -> Iterator[AtWork]:
        handover, (certificate, key) = self.hands.handover, service.guest
        trusted = handover.authorities(service.trust)
        shown = handover.put("guest.pem", certificate)
        secret = handover.put("guest.key", key, private=True)
        self.hands.operator.tell(
            f"A new session: your system asks the role and attribute service at {service.url} (it trusts {trusted} "
            f"and shows {shown} with {secret}). The professional is {name}, number {number.value}."
        )
        yield _PersonAtWork(self.hands)


@dataclass(frozen=True)
class _PersonAtWork:
    """One session of a person."""

    hands: Hands

    def attempt(self, task: RightsTask) -> RightsDecision:
        self.hands.operator.tell(f"Your turn: {_TASKS[task]}.")
        said = self.hands.operator.choose(
            "What did your system say?", (_ALLOWED, _ALLOWED_UNASKED, *_REFUSED), self.hands.timeout
        )
        if said == _ALLOWED:
            return RightsDecision(True)
        if said == _ALLOWED_UNASKED:
            return RightsDecision(True, RightsTrouble.NOT_ASKED)
        return RightsDecision(False, _REFUSED[said])


@dataclass(frozen=True)
class OperatorScsUser:
    """Asks a person to log in and sign at a page of the site ``origin``."""

    hands: Hands
    origin: str

    def log_in(self, scs: ScsAddress) -> ScsUse:
        return self._done("log in with the card", scs)

    def sign(self, scs: ScsAddress, content: bytes) -> ScsUse:
        path = self.hands.handover.put("content.txt", content.decode("utf-8", "replace"))
        return self._done(f"have the content of {path} signed with the card", scs)

    def _done(self, what: str, scs: ScsAddress) -> ScsUse:
        shown = self.hands.handover.put("scs.pem", scs.certificate)
        trusted = self.hands.handover.authorities(scs.trust) if scs.trust else shown
        self.hands.operator.tell(
            f"Your turn: at {self.origin}, {what}. Your page calls the Signature Creation Service at {scs.url} "
            f"(its certificate: {shown}; the authorities of the card: {trusted}). No PIN will be asked for."
        )
        said = self.hands.operator.choose("What came of it?", (_TAKEN, _NOT_TAKEN), self.hands.timeout)
        return ScsUse(said == _TAKEN)
