"""The shelf with all cards of a workspace: one directory each, made, read and inserted from here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography import x509

from sotepki.card.inserted import InsertedCard, Link
from sotepki.card.kinds import KeyUse, card_kind
from sotepki.card.link import PATIENCE, ChipLink
from sotepki.card.manufacture import BLANK_PHASES, CERTIFICATES, add_blank, empty_card
from sotepki.card.personalisation import Personalisation, check_number
from sotepki.card.state import CardState, StateFile
from sotepki.card.wire import Message
from sotepki.errors import Fault, Misuse, Refused
from sotepki.tokens.softhsm import write_configuration
from sotepki.tokens.storage import locked, private_directory, sync_directory
from sotepki.x509.lenient import DerCertificate, der_certificate


@dataclass(frozen=True)
class CardContent:
    """What can be seen of a card without a PIN: its state, certificates, and CA certificates (issuing CA first).

    A blank has no certificates.
    """

    state: CardState
    leaves: Mapping[KeyUse, DerCertificate]
    issuers: tuple[x509.Certificate, ...]

    @property
    def certificates(self) -> dict[KeyUse, x509.Certificate]:
        """The certificates for programs that use pyca.

        Raises:
            Refused: rule ``cert.null-parameters``: pyca does not read them; ``leaves`` has them.
        """
        return {use: leaf.exact() for use, leaf in self.leaves.items()}

    @property
    def number(self) -> str:
        """The card number."""
        return self.state.number

    @property
    def holder(self) -> str:
        """The name on the card."""
        return self.state.holder


class CardShelf:
    """The directory ``cards/``. Cards lie in it as ``cards/<card number>/``."""

    def __init__(self, directory: Path, *, patience: float = PATIENCE) -> None:
        """``patience``: seconds that any chip has for an answer."""
        self.directory = directory
        self._patience = patience
        self._machine: ChipLink | None = None
        self._lock = threading.Lock()

    def numbers(self) -> tuple[str, ...]:
        """The numbers of all cards that are complete, sorted."""
        return tuple(sorted(path.parent.name for path in self.directory.glob("*/card.json") if _whole(path.parent)))

    def has(self, number: str) -> bool:
        """Whether a card with this number is on the shelf, complete."""
        return _whole(self._place(number))

    def personalise(self, order: Personalisation) -> None:
        """Make a card. It is on the shelf when this returns, or there is none.

        Raises:
            Misuse, Refused: see ``Personalisation.check``; rule ``card.number.taken``.
            Fault: SoftHSM is missing, the disk is full, the process was killed.
        """
        order.check()
        private_directory(self.directory)
        place = self._place(order.number).absolute()
        self._make(order.message(str(place)), place, lambda: _whole(place))

    def personalise_blank(self, order: Personalisation) -> None:
        """Make a card of the blank that lies on the shelf under the order's number (a spare card, on the spot).

        Raises:
            Misuse, Refused: see ``Personalisation.check``; ``card.unknown``, ``card.not-blank``, ``card.in-use``.
            Fault: as ``personalise``; the blank is a blank then.
        """
        order.check()
        place = self._card(order.number).absolute()
        message = {**order.message(str(place)), "blank": True}
        self._make(message, place, lambda: StateFile(place / "card.json").load().phase not in BLANK_PHASES)

    def add_blank(self, number: str, kind: str = "professional") -> None:
        """Put a blank on the shelf: a manufactured card without keys, certificates and holder.

        Raises:
            Misuse: rules ``card.number.form``, ``card.kind``.
            Refused: rule ``card.number.taken``.
        """
        private_directory(self.directory)
        add_blank(self._place(number), card_kind(kind).id)

    def empty(self, number: str) -> None:
        """Take everything from a card that came back; it is a blank again. Its certificates are not revoked by this.

        Raises:
            Misuse: rule ``card.unknown``.
            Refused: rule ``card.in-use``: it is in a reader.
        """
        empty_card(self._card(number))

    def _make(self, message: Message, place: Path, made: Callable[[], bool]) -> None:
        with self._lock, locked(self.directory / "personalising.lock"):
            before = made()
            if self._machine is None:
                self._machine = ChipLink(
                    "The personalising process", ["personalise"], configuration=None, patience=self._patience
                )
            try:
                self._machine.ask(message)
            except Fault as fault:
                self._machine.close()
                self._machine = None
                if fault.rule != "card.chip.silent" or before or not made():
                    raise
                # It died between its last step and its answer: the card is as whole as one that was answered for.
                _put_on_disk(place)

    def read(self, number: str) -> CardContent:
        """What is on a card, without inserting it.

        Raises:
            Misuse: rule ``card.unknown``.
            Fault: rule ``card.state-file`` or ``card.content``: the card's files are damaged.
        """
        directory = self._card(number)
        state = StateFile(directory / "card.json").load()
        certificates = directory / CERTIFICATES
        if state.phase in BLANK_PHASES:
            return CardContent(state=state, leaves={}, issuers=())
        return CardContent(
            state=state,
            leaves={use: _certificate(certificates / f"{use}.der") for use in KeyUse},
            issuers=tuple(_certificate(path).exact() for path in sorted(certificates.glob("issuer-*.der"))),
        )

    def insert(self, number: str, *, in_this_process: bool = False) -> InsertedCard:
        """Put a card into a reader of this process: its chip starts, no PIN is verified.

        ``in_this_process``: the chip has no process of its own. For programs that hold one card and nothing else.

        Raises:
            Misuse: rule ``card.unknown``.
            Refused: rule ``card.in-use``: the card is in a reader already, here or in another process;
                ``card.out-of-use``: it is a blank.
            Fault: the chip does not start.
        """
        content = self.read(number)
        if not content.leaves:
            raise Refused(
                f"The card {number} is {content.state.phase} and holds nothing.",
                rule="card.out-of-use",
                advice="Personalise it first.",
                subject=number,
            )
        return InsertedCard(content.state, content.leaves, content.issuers, self._link(number, in_this_process))

    def configuration(self, number: str) -> Path:
        """The SoftHSM configuration of a card, for other PKCS#11 programs (``SOFTHSM2_CONF``).

        What they do there bypasses the card's counters, as opening a card's chip would.
        """
        return write_configuration(self._card(number))

    def close(self) -> None:
        """End the personalising process, if there is one."""
        with self._lock:
            if self._machine is not None:
                self._machine.close()
                self._machine = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _link(self, number: str, in_this_process: bool) -> Link:
        name, directory = f"The card {number}", self._card(number).absolute()
        configuration = write_configuration(directory)  # the workspace may have been moved
        if in_this_process:
            from sotepki.card.chip_here import ChipHere  # with SoftHSM's library, which other processes never load

            return ChipHere(name, directory)
        return ChipLink(name, ["insert", str(directory)], configuration=configuration, patience=self._patience)

    def _place(self, number: str) -> Path:
        return self.directory / check_number(number)

    def _card(self, number: str) -> Path:
        directory = self._place(number)
        if not _whole(directory):
            raise Misuse(
                f"There is no card {number}.",
                rule="card.unknown",
                advice="'sotepki card list' shows the cards there are.",
                subject=number,
            )
        return directory


def _put_on_disk(place: Path) -> None:
    try:
        sync_directory(place)
        sync_directory(place.parent)
    except OSError as error:
        raise Fault(f"The card {place.name} cannot be written: {error.strerror}.") from error


def _whole(directory: Path) -> bool:
    # A card under way is called <number>.partial; a dot is not in a card number.
    return "." not in directory.name and (directory / "card.json").is_file()


def _certificate(path: Path) -> DerCertificate:
    try:
        return der_certificate(path.read_bytes())
    except (OSError, Refused) as error:
        raise Fault(
            f"The card {path.parent.parent.name} has no readable {path.stem} certificate.", rule="card.content"
        ) from error
