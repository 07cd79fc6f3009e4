"""The books of the archive: many judged messages settled in one transaction, durable before anybody is answered.

The file system is told to keep what was written once per transaction, which costs as much as verifying a document; so
the messages that came in the meantime share it (group commit).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, cast

from sqlalchemy import BindParameter, Select, Table, bindparam, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sotepki.errors import Fault, Misuse
from sotepki.kela import request_log
from sotepki.kela.acknowledgement import AckCode, Acknowledgement, acknowledgement_id
from sotepki.kela.judging import Judgement
from sotepki.kela.pen import Pen
from sotepki.kela.request_log import OFFICE, RequestEntry, RequestKind
from sotepki.kela.rules import refusing, rulebook
from sotepki.kela.settings import KantaSettings
from sotepki.kela.tables import REPLACES, AcknowledgedMessage, ArchivedDocument
from sotepki.kela.turns import Turn
from sotepki.kela.versions import Parent, Version, check_parent
from sotepki.records import Records, Transaction
from sotepki.records.failures import OutcomeUnknown

_ATTEMPTS = 5

# Statements of the core and made once, not of the object mapper: this is the busiest place of the archive.
_MESSAGES = cast(Table, AcknowledgedMessage.__table__)
_DOCUMENTS = cast(Table, ArchivedDocument.__table__)
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_INSERT_MESSAGES = insert(_MESSAGES)
_INSERT_DOCUMENTS = insert(_DOCUMENTS)
_ACKNOWLEDGED = select(
    _MESSAGES.c.message_id, _MESSAGES.c.sender, _MESSAGES.c.sha256, _MESSAGES.c.acknowledgement
).where(_MESSAGES.c.environment == bindparam("environment"), _MESSAGES.c.message_id.in_(_IDS))
_KNOWN = select(_DOCUMENTS.c.document_id, _DOCUMENTS.c.set_id, _DOCUMENTS.c.version, _DOCUMENTS.c.owner).where(
    _DOCUMENTS.c.environment == bindparam("environment"), _DOCUMENTS.c.document_id.in_(_IDS)
)
_REPLACED = select(_DOCUMENTS.c.replaces, _DOCUMENTS.c.document_id).where(
    _DOCUMENTS.c.environment == bindparam("environment"), _DOCUMENTS.c.replaces.in_(_IDS), REPLACES
)


@dataclass(frozen=True)
class Books:
    """What one environment has archived and acknowledged.

    Attributes:
        turn: taken by whoever settles while it computes; not while it waits for another writer or for the disk.
        pen: taken before, if other processes settle into the same books.
    """

    records: Records
    settings: KantaSettings
    turn: Turn = field(default_factory=Turn, repr=False, compare=False)
    pen: Pen = field(default_factory=Pen, repr=False, compare=False)

    def settle(self, judgements: Sequence[Judgement]) -> list[Acknowledgement]:
        """Archive what may be archived, log everything, and answer each in its place.

        An accepted document is durable when this returns. If the books cannot be written, nothing of the group is
        archived, and those that would have been are answered with ``kanta.service.fault``; if the database did not
        say whether it stored them, so does the answer. Raises nothing.
        """
        return self._settled(judgements, None)

    def _settled(self, judgements: Sequence[Judgement], unknown: OutcomeUnknown | None) -> list[Acknowledgement]:
        try:
            return self._settle(judgements)
        except (Fault, Misuse) as fault:  # Misuse: another workspace is in its place, or a password was changed
            unknown = fault if isinstance(fault, OutcomeUnknown) else unknown
            if len(judgements) > 1:
                # What spoils one message must not spoil its neighbours.
                return [self._settled([judgement], unknown)[0] for judgement in judgements]
            (judgement,) = judgements
            if judgement.accepted:
                finding = rulebook().finding("kanta.service.fault", (unknown or fault).sentence)
                judgement = replace(judgement, code=AckCode.REJECTED, findings=(finding,))
            return [self._answer(judgement, judgement.at)]

    def _settle(self, judgements: Sequence[Judgement]) -> list[Acknowledgement]:
        unknown: OutcomeUnknown | None = None
        for attempt in range(_ATTEMPTS):
            try:
                with self.pen.held(), ExitStack() as turn, self.records.change(OFFICE, "") as tx:
                    # Only now: who has the turn never waits for a writer, so a writer may wait for the turn.
                    turn.enter_context(self.turn.taken())
                    tx.before_commit = turn.close
                    return _Settling(self, tx).settle(judgements)
            except OutcomeUnknown as fault:
                unknown = fault  # what was stored is known by its id when it is asked about again
            except (Fault, Misuse) as fault:
                # Two servers on one database may take the same journal number; the loser begins again.
                if attempt == _ATTEMPTS - 1 or not isinstance(fault.__cause__, IntegrityError):
                    if unknown is not None:
                        raise unknown from fault
                    raise
        raise unknown or Fault("The archive could not store the documents.")

    def _answer(self, judgement: Judgement, at: datetime) -> Acknowledgement:
        frame, code = judgement.frame, judgement.code
        message_id = frame.message_key if frame else ""
        return Acknowledgement(
            code=code,
            acknowledgement_id=acknowledgement_id(message_id, f"{judgement.digest} {code.value} {at.isoformat()}"),
            message_id=message_id,
            receiver=str(frame.sender) if frame else "",
            sender=self.settings.receiver.value,
            interaction=self.settings.acknowledgement,
            at=at,
            findings=judgement.findings,
            document_id=str(frame.document_id) if frame and code is AckCode.ACCEPTED else "",
        )


@dataclass
class _Settling:
    """One transaction; what it has added so far stands beside what the database has."""

    books: Books
    tx: Transaction
    messages: list[dict[str, object]] = field(default_factory=list)
    documents: list[dict[str, object]] = field(default_factory=list)
    lines: list[RequestEntry] = field(default_factory=list)

    def settle(self, judgements: Sequence[Judgement]) -> list[Acknowledgement]:
        known = self._acknowledged(judgements)
        parents = self._parents(judgements)
        answers = [self._one(judgement, known, parents) for judgement in judgements]
        session = self.tx.session
        if self.messages:
            connection = session.connection()
            connection.execute(_INSERT_MESSAGES, self.messages)
            connection.execute(_INSERT_DOCUMENTS, self.documents)
        request_log.write(session, self.lines, self.tx.now)
        return answers

    def _one(
        self, judgement: Judgement, known: dict[str, tuple[str, str, str]], parents: dict[str, Parent]
    ) -> Acknowledgement:
        frame, version = judgement.frame, judgement.version
        # Who may not act for the sender has no version, and is not told what the books hold of the message.
        stored = known.get(frame.message_key) if frame and version else None
        if frame is not None and stored is not None:
            sender, digest, content = stored
            if (sender, digest) == (str(frame.sender), judgement.digest):
                answer = Acknowledgement.from_dict(json.loads(content))
                return self._logged(answer, judgement, reason="repeated")
            sentence = f"The message id {frame.message_key} was used for another message."
            judgement = replace(
                judgement,
                code=AckCode.REJECTED,
                findings=(rulebook().finding("kanta.message.id-reused", sentence),),
            )
        elif judgement.accepted and version is not None:
            judgement = self._against_the_books(judgement, version, parents)
        answer = self.books._answer(judgement, self.tx.now)
        if answer.accepted and frame is not None and version is not None:
            text = json.dumps(answer.as_dict(), ensure_ascii=False)
            self._store(judgement, version, text)
            known[answer.message_id] = str(frame.sender), judgement.digest, text
            parents[version.document_id] = Parent(version.set_id, version.number, version.owner, "")
            if version.replaces in parents:
                parents[version.replaces] = replace(parents[version.replaces], replaced_by=version.document_id)
        return self._logged(answer, judgement)

    def _against_the_books(self, judgement: Judgement, version: Version, parents: Mapping[str, Parent]) -> Judgement:
        findings = check_parent(version, parents.get(version.replaces))
        if version.document_id in parents:
            sentence = f"The document {version.document_id} is in the archive already."
            findings.append(
                rulebook().finding("kanta.document.already-archived", sentence, found=version.document_id)
            )
        if not findings:
            return judgement
        refused = refusing(findings, self.books.settings.refuses)
        return replace(
            judgement, code=AckCode.ERROR if refused else judgement.code, findings=(*judgement.findings, *findings)
        )

    def _store(self, judgement: Judgement, version: Version, acknowledgement: str) -> None:
        frame, environment = judgement.frame, self.books.settings.environment
        assert frame is not None
        digest = hashlib.sha256(frame.document).hexdigest()
        self.messages.append(
            {
                "environment": environment,
                "message_id": frame.message_key,
                "sender": str(frame.sender),
                "sha256": judgement.digest,
                "acknowledgement": acknowledgement,
                "acknowledged_at": self.tx.now,
            }
        )
        self.documents.append(
            {
                "environment": environment,
                "document_id": version.document_id,
                "set_id": version.set_id,
                "version": version.number,
                "replaces": version.replaces,
                "family": judgement.family,
                "custodian": judgement.custodian,
                "owner": version.owner,
                "service_request": frame.service_request,
                "message_id": frame.message_key,
                "archived_at": self.tx.now,
                "sha256": digest,
                "content": frame.document,
            }
        )
        self.tx.actor = f"sender {frame.sender}"
        details = {"message": frame.message_key, "custodian": judgement.custodian, "sha256": digest}
        if version.replaces:
            details["replaces"] = version.replaces
        self.tx.journal("document archived", version.document_id, environment=environment, **details)

    def _logged(self, answer: Acknowledgement, judgement: Judgement, *, reason: str = "") -> Acknowledgement:
        line = request_log.entry(
            RequestKind.ARCHIVE,
            answer.code.value,
            answer.findings,
            judgement.client,
            environment=self.books.settings.environment,
            message_id=answer.message_id,
            sender=answer.receiver,
            reason=reason,
        )
        self.lines.append(line)
        if reason or not answer.accepted:
            request_log.note(self.tx, line)
        return answer

    # --- what is there already -------------------------------------------------------------------------------

    def _acknowledged(self, judgements: Sequence[Judgement]) -> dict[str, tuple[str, str, str]]:
        ids = {judgement.frame.message_key for judgement in judgements if judgement.frame and judgement.version}
        rows = _rows(self.tx.session, _ACKNOWLEDGED, self.books.settings.environment, ids)
        return {message_id: (sender, digest, content) for message_id, sender, digest, content in rows}

    def _parents(self, judgements: Sequence[Judgement]) -> dict[str, Parent]:
        """The documents that the judged ones repeat or replace, with what replaced them."""
        versions = [judgement.version for judgement in judgements if judgement.version]
        ids = {v.document_id for v in versions} | {v.replaces for v in versions if v.replaces}
        return known_documents(self.tx.session, self.books.settings.environment, ids)


def known_documents(session: Session, environment: str, ids: set[str]) -> dict[str, Parent]:
    """What is archived of the documents with these ids."""
    known = _rows(session, _KNOWN, environment, ids)
    replaced_by: dict[str, str] = dict(_rows(session, _REPLACED, environment, {row.document_id for row in known}))
    return {
        document_id: Parent(set_id, version, owner, replaced_by.get(document_id, ""))
        for document_id, set_id, version, owner in known
    }


def _rows(session: Session, statement: Select[Any], environment: str, ids: set[str]) -> Sequence[Any]:
    if not ids:
        return ()
    return session.connection().execute(statement, {"environment": environment, "ids": sorted(ids)}).all()
