"""Documents on their way: written, signed, sent. One professional sees their own."""

from __future__ import annotations

import http.client
import threading
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path

from sotepki.documents import build_frame, build_social_document, verify_document
from sotepki.errors import Fault
from sotepki.evidence import Severity, Verdict
from sotepki.identifiers import Oid, is_blank, is_plain_line
from sotepki.journey.sending import client_context, post_frame, read_acknowledgement
from sotepki.kela import Acknowledgement
from sotepki.records import write_atomically
from sotepki.reference_system.sessions import User
from sotepki.reference_system.signing_elsewhere import Prepared, complete, prepare
from sotepki.reference_system.surroundings import Surroundings, rules
from sotepki.registers import Person
from sotepki.scs.answers import ScsAnswer

KIND, SERVICE_REQUEST = "client-plan", "SP17"


class State(StrEnum):
    """How far a document has come."""

    WRITTEN = "written"
    SIGNED = "signed"
    ARCHIVED = "archived"
    REFUSED = "refused"


@dataclass
class Work:
    """One document.

    Attributes:
        frame: the message to Kanta, made once: Kanta takes a message again that it has, and a document only once.
        acknowledgement: Kanta's answer.
        trouble: why there is none.
        changing: held by whoever signs or sends it, so that two requests at once do neither twice.
    """

    oid: Oid
    author: str
    client: Person
    title: str
    paragraphs: tuple[str, ...]
    created: datetime
    unsigned: bytes = field(repr=False)
    state: State = State.WRITTEN
    prepared: Prepared | None = field(default=None, repr=False)
    signed: bytes = field(default=b"", repr=False)
    frame: bytes = field(default=b"", repr=False)
    acknowledgement: Acknowledgement | None = None
    trouble: str = ""
    changing: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)


@dataclass
class Casework:
    """The documents of the system. What is signed, and the message it goes in, is on the disk before it is sent."""

    world: Surroundings
    _work: dict[str, Work] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def of(self, user: User) -> list[Work]:
        """A professional's own documents, the newest first."""
        with self._lock:
            return [one for one in reversed(self._work.values()) if one.author == user.number]

    def find(self, user: User, oid: str) -> Work:
        """One of them.

        Raises:
            Refused: ``ref.document.unknown``.
        """
        with self._lock:
            found = self._work.get(oid)
        if found is None or found.author != user.number:
            raise rules().refusal("ref.document.unknown", "You have no such document.")
        return found

    def write(self, user: User, client: str, title: str, text: str) -> Work:
        """Write a document; nothing is signed yet.

        Raises:
            Refused: ``ref.request``: there is no such client, no title or text, or one that XML does not carry.
        """
        paragraphs = tuple(part.strip() for part in text.splitlines() if not is_blank(part))
        if client not in self.world.clients or is_blank(title) or not paragraphs:
            raise rules().refusal("ref.request", "A document needs a client, a title and a text.")
        if not all(is_plain_line(part) for part in (title.strip(), *paragraphs)):
            raise rules().refusal("ref.request", "The title or the text holds control characters.")
        oid, now = self.world.new_oid("93"), self.world.clock.now()
        unsigned = build_social_document(
            kind=KIND,
            client=self.world.clients[client],
            organisation=self.world.organisation,
            author=user.professional,
            document_oid=oid,
            created=now,
            title=title.strip(),
            paragraphs=paragraphs,
        )
        made = Work(oid, user.number, self.world.clients[client], title.strip(), paragraphs, now, unsigned)
        with self._lock:
            self._work[str(oid)] = made
        return made

    def prepare(self, work: Work, user: User) -> bytes:
        """What the card has to sign now: the octets of SignedInfo.

        Raises:
            Refused: ``ref.document.state``: it is signed already.
        """
        if work.state is not State.WRITTEN:
            raise rules().refusal("ref.document.state", "The document is signed already.")
        work.prepared = prepare(work.unsigned, user.professional, user.certificate, self.world.clock.now())
        return work.prepared.signed_info

    def sign(self, work: Work, answer: ScsAnswer) -> None:
        """Take the card's signature into the document, verify the whole as Kanta will, and keep it.

        Raises:
            Refused: ``scs.answer.*``, ``doc.*``, ``ref.document.*``.
        """
        with work.changing:
            prepared, work.prepared = work.prepared, None
            if prepared is None or work.state is not State.WRITTEN:
                raise rules().refusal("ref.document.state", "The document was not about to be signed.")
            signed = complete(prepared, answer)
            report = verify_document(signed, self.world.verification())
            if report.verdict is not Verdict.VALID:
                reasons = " ".join(f.message for f in report.findings if f.severity is not Severity.NOTICE)
                raise rules().refusal("ref.document.signature", f"The signed document does not verify. {reasons}")
            write_atomically(self._file(work, "xml"), signed, private=True)
            work.signed, work.state = signed, State.SIGNED

    def send(self, work: Work) -> None:
        """Send a signed document to Kanta.

        Sending again after trouble is right: it is the same message, and Kanta answers one that it has stored as it
        answered the first time. Who asks while another request is sending waits, and gets Kanta's answer to that one.

        Raises:
            Refused: ``ref.document.state``: it is not signed, or was answered already.
        """
        waited = not work.changing.acquire(blocking=False)
        if waited:
            work.changing.acquire()
        try:
            if waited and work.acknowledgement is not None:
                return
            if work.state is not State.SIGNED:
                raise rules().refusal("ref.document.state", "The document is not waiting to be sent.")
            if not work.frame:
                work.frame = self._frame(work)
            self._post(work)
        finally:
            work.changing.release()

    def _frame(self, work: Work) -> bytes:
        """The message with the document; it is on the disk before it is sent, as long as the document is."""
        frame = build_frame(
            work.signed,
            message_id=self.world.new_oid("94"),
            sender=self.world.organisation.oid,
            at=self.world.clock.now(),
            service_request=SERVICE_REQUEST,
            receiver=self.world.kanta_receiver,
        )
        write_atomically(self._file(work, "message.xml"), frame, private=True)
        return frame

    def _post(self, work: Work) -> None:
        world = self.world
        context = client_context(world.kanta_roots, world.server)
        try:
            answer = post_frame(work.frame, url=world.kanta_url, context=context, server_name=world.kanta_name)
            if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                # A fault of the service is no word on the document: the same message is sent again later.
                work.trouble = f"Kanta gave no answer: it has a fault of its own (HTTP {answer.status})."
                return
            work.acknowledgement = read_acknowledgement(answer)
        except (OSError, http.client.HTTPException, ValueError) as error:
            work.trouble = f"Kanta gave no answer: {error}."
            return
        except Fault as fault:
            work.trouble = fault.sentence
            return
        work.trouble = ""
        work.state = State.ARCHIVED if work.acknowledgement.accepted else State.REFUSED

    def _file(self, work: Work, ending: str) -> Path:
        directory = self.world.directory / "documents"
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        return directory / f"{work.oid}.{ending}"
