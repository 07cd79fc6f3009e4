"""What is done to each document, in a form that travels to the process that does it. Keys do not travel: only where
they are.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

from sotepki.clock import SystemClock
from sotepki.documents.bulk.journal import DONE, FAILED, Row
from sotepki.documents.bulk.placing import Placing
from sotepki.documents.bulk.sources import Item
from sotepki.documents.report import VerificationContext
from sotepki.documents.signature_style import SignatureStyle, Signer
from sotepki.documents.signing import sign_carefully
from sotepki.documents.verification import verify_document
from sotepki.documents.vocabulary import SignatureKind
from sotepki.errors import Misuse, SotepkiError
from sotepki.evidence import Severity
from sotepki.tokens import Pin, PrivateKey, TokenDirectory
from sotepki.tokens.storage import locked

Work = Callable[[Item], Row]


@dataclass(frozen=True)
class FileKey:
    """A private key in a file, PEM or DER, not encrypted."""

    path: str

    def open(self) -> PrivateKey:
        """Read the key.

        Raises:
            Misuse: the file is missing or holds no RSA or elliptic-curve key.
        """
        try:
            data = Path(self.path).read_bytes()
            load = load_pem_private_key if b"-----BEGIN" in data else load_der_private_key
            key = load(data, password=None)
        except (OSError, ValueError, TypeError):
            raise Misuse(f"{self.path} is not a private key that can be read.") from None
        if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise Misuse(f"The private key in {self.path} is neither RSA nor elliptic-curve.")
        return key


@dataclass(frozen=True)
class TokenKey:
    """A private key in a SoftHSM token; its PIN is in a file that every worker can read."""

    directory: str
    token: str
    label: str
    pin_file: str

    def open(self) -> PrivateKey:
        """Open the token once for this process.

        Raises:
            Misuse, Refused, Fault: as ``TokenDirectory.open``; the PIN file or the directory is missing.
        """
        try:
            pin = Pin(Path(self.pin_file).read_text(encoding="ascii").strip())
        except (OSError, UnicodeDecodeError):
            raise Misuse(f"The PIN file {self.pin_file} cannot be read.") from None
        directory = Path(self.directory)
        # SoftHSM fails now and then (12 of 80 times when measured) if two processes open a token at the same moment.
        with locked(directory / "opening.lock"):
            return TokenDirectory(directory).open(self.token, pin).private_key(self.label)


class Job(ABC):
    """One kind of work. A job is a value: it is compared, hashed and sent to other processes."""

    @abstractmethod
    def describe(self) -> dict[str, str]:
        """What has to be the same for two runs to share a journal."""

    @abstractmethod
    def open(self) -> Work:
        """Get ready in this process (keys, trust); the answer is called for each document."""


@dataclass(frozen=True)
class SigningJob(Job):
    """Sign with a system's key, or as Kanta.

    Attributes:
        certificate: DER of the signing certificate.
        at: the signing time of all documents; None takes the clock's, moved by ``offset``, at each.
    """

    key: FileKey | TokenKey
    certificate: bytes
    placing: Placing
    kanta: bool = False
    at: datetime | None = None
    offset: timedelta = timedelta()
    style: SignatureStyle = field(default_factory=SignatureStyle)

    def describe(self) -> dict[str, str]:
        return {
            "work": "sign as Kanta" if self.kanta else "sign",
            "certificate": hashlib.sha256(self.certificate).hexdigest(),
            "into": str(Path(self.placing.tree).absolute()) if self.placing.tree else "beside",
        }

    def open(self) -> Work:
        kind = SignatureKind.KANTA if self.kanta else SignatureKind.SYSTEM
        signer = Signer(kind, self.key.open(), x509.load_der_x509_certificate(self.certificate))
        clock = SystemClock(self.offset)

        def work(item: Item) -> Row:
            at = self.at or clock.now()
            signed = sign_carefully(item.read(), signer, at, self.style)
            output = self.placing.write(item, signed)
            digest = hashlib.sha256(signed).hexdigest()
            return Row(item.name, item.stamp, DONE, output=str(output), digest=digest, at=at.isoformat())

        return work


@dataclass(frozen=True)
class Opening:
    """A function that opens what is verified against, and its arguments, as a value.

    A partial would be another one after each way to a worker, which would then open everything anew for each chunk.
    """

    function: Callable[..., AbstractContextManager[VerificationContext]]
    arguments: tuple[Hashable, ...] = ()

    def __call__(self) -> AbstractContextManager[VerificationContext]:
        return self.function(*self.arguments)


@dataclass(frozen=True)
class VerifyingJob(Job):
    """Verify.

    Attributes:
        context: opens what is verified against, in the worker.
        described: what that is, for the journal.
    """

    context: Opening
    described: tuple[tuple[str, str], ...] = ()

    def describe(self) -> dict[str, str]:
        return {"work": "verify", **dict(self.described)}

    def open(self) -> Work:
        held = ExitStack()
        context = held.enter_context(self.context())

        # The work holds the stack, and so what the context stands on: until the run or the process ends.
        def work(item: Item, held: ExitStack = held) -> Row:
            report = verify_document(item.read(), context)
            findings = [f for f in report.findings if f.severity is Severity.ERROR] or list(report.findings)
            return Row(
                item.name,
                item.stamp,
                DONE,
                verdict=str(report.verdict),
                rules=" ".join(dict.fromkeys(finding.rule for finding in findings)),
                message=findings[0].message if findings else "",
                document_id=report.document_id,
                signers=" ".join(dict.fromkeys(signature.signer for signature in report.signatures)),
                at=context.at.isoformat(),
            )

        return work


def work_on(job: Job, items: Sequence[Item]) -> list[Row]:
    """Do a job to a chunk of documents in this process. A document that cannot be worked on gives a failed row.

    Raises:
        SotepkiError: the job itself cannot begin (no key, no trust).
    """
    work = _opened(job)
    rows: list[Row] = []
    for item in items:
        try:
            rows.append(work(item))
        except SotepkiError as error:
            rows.append(Row(item.name, item.stamp, FAILED, rules=error.rule, message=error.sentence))
        except OSError as error:
            rows.append(Row(item.name, item.stamp, FAILED, message=f"{error.strerror or error}."))
    return rows


@lru_cache(maxsize=2)
def _opened(job: Job) -> Work:
    """The job made ready, once for this process."""
    return job.open()


def forget() -> None:
    """Let go of what was made ready in this process, when its run has ended."""
    _opened.cache_clear()
