"""The mutation corpus of ``sotepki.documents.corpus`` in the hierarchy of the bench.

A system under test knows the authorities of the bench and their revocation lists, so the documents of the corpus are
signed here with certificates of these authorities: like real ones of the office, but for what is named.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from conformance.bench.forging import forged, key_usage, with_attribute
from conformance.sut.facets import Trust
from sotepki.clock import HELSINKI
from sotepki.documents import SignatureKind, SignatureStyle, Signer, build_document, sign_document
from sotepki.documents.corpus import CorpusWorld, Entry, Importance, catalogue, made_document
from sotepki.documents.corpus.world import DOCUMENT, Identity
from sotepki.documents.times import hl7_time, signature_time
from sotepki.dvv import SOTE_PERSONS, SOTE_SERVICES
from sotepki.evidence import Verdict
from sotepki.registers import Professional
from sotepki.tokens import PrivateKey
from sotepki.xmldsig import SigningKey

if TYPE_CHECKING:
    from conformance.bench import Bench

_KELA = "1.2.246.556.12002.1"
_OTHERS = "1.2.246.10.12345671.10.7"
_COLLEAGUE = "98765432109"
_NOBODY = "nobody"
_TIMESTAMP = "//f:signatureTimestamp"
_OTHER_TITLE = (("element-text", ["//h:structuredBody//h:title", "Muutettu otsikko TEST"]),)


@dataclass(frozen=True)
class _Recipe:
    """How a certificate differs from that of the corpus's professional or, with ``system``, organisation.

    Attributes:
        holder: the subject's serialNumber; empty for the right one.
        usage: bits of key usage; None for the right ones.
        begin, end: days from now.
        issuer: ``office``, ``impostor`` (its name, another key), ``stranger`` (another name) or a signer.
    """

    system: bool = False
    holder: str = ""
    usage: tuple[str, ...] | None = None
    rsa: bool = False
    begin: float = -30
    end: float = 300
    issuer: str = "office"
    authority: bool = False


_DS, _NR = "digital_signature", "content_commitment"
_RECIPES: Mapping[str, _Recipe] = {
    "card": _Recipe(rsa=True),
    "card-ec": _Recipe(),
    "system": _Recipe(system=True),
    "both-usages": _Recipe(usage=(_DS, _NR)),
    "no-usage": _Recipe(usage=()),
    "colleague": _Recipe(holder=_COLLEAGUE),
    "other-organisation": _Recipe(system=True, holder=_OTHERS),
    "system-nr-only": _Recipe(system=True, usage=(_NR,)),
    "system-rsa": _Recipe(system=True, rsa=True),
    "kela": _Recipe(system=True, holder=_KELA, rsa=True),
    "no-serial-number": _Recipe(holder=_NOBODY),
    "expired": _Recipe(begin=-90, end=-30),
    "not-yet": _Recipe(begin=-1 / 48),
    "root-signed": _Recipe(authority=True),
    "stranger": _Recipe(issuer="impostor"),
    "stranger-rsa": _Recipe(rsa=True, issuer="impostor"),
    "elsewhere": _Recipe(issuer="stranger"),
    "below-card": _Recipe(issuer="card-ec"),
}

_OWN: Mapping[str, tuple[str, str, tuple[tuple[str, Any], ...]]] = {
    "own.timestamp-changed": ("professional", "the timestamp was changed after signing",
                              (("element-text", [_TIMESTAMP, "{later}"]),)),
    "own.timestamp-elsewhere": ("professional", "the signed timestamp stands in the header, another in its place", (
        ("copy", [_TIMESTAMP, "//h:title", "after"]),
        ("set", ["//f:signature/f:signatureTimestamp", "ID", "other"]),
        ("element-text", ["//f:signature/f:signatureTimestamp", "{later}"]))),
    "own.timestamp-future": ("professional", "the timestamp lies a week ahead",
                             (("element-text", [_TIMESTAMP, "{week-ahead}"]), ("resign", "card"))),
    "own.timestamp-local": ("professional", "the timestamp is Finnish time without decimals",
                            (("element-text", [_TIMESTAMP, "{local}"]), ("resign", "card"))),
    "own.stale": ("professional", "version 2 still carries the signature of version 1",
                  (("replace", ['<effectiveTime value="[^"]*"', '<effectiveTime value="{minute-ahead}"']),
                   ("replace", ['<versionNumber value="1"', '<versionNumber value="2"']))),
    "own.below-card": ("unsigned", "the certificate was issued with a card's key, whose certificate stands beside it",
                       (("signed-by", ["below-card", "professional"]), ("certificate", ["below-card", "card-ec"]))),
    "own.elsewhere": ("unsigned", "the certificate is of another hierarchy",
                      (("signed-by", ["elsewhere", "professional"]),)),
    "own.prescription": ("prescription", "a prescription, signed by the prescriber", ()),
    "own.kanta": ("kanta", "a prescription, signed by the Prescription Centre too", ()),
    "own.prescription-body": ("prescription", "a word of the prescription was changed", _OTHER_TITLE),
    "own.kanta-body": ("kanta", "a word of the prescription was changed", _OTHER_TITLE),
    "own.record-body": ("health", "a word of the patient record was changed", _OTHER_TITLE),
}  # fmt: skip
"""Documents beyond the catalogue, mostly because they hang on the time of the run."""


class _Made(dict[str, Identity]):
    """Identities, each made when it is first asked for."""

    def __init__(self, make: Callable[[str], Identity]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, name: str) -> Identity:
        self[name] = self._make(name)
        return self[name]


class BenchCorpus(CorpusWorld):
    """The corpus of one professional of the test world; its documents are signed now.

    Nothing of the parent's hierarchy is made: only its way from an entry to a document is used.
    """

    def __init__(self, bench: Bench, model: x509.Certificate, professional: Professional) -> None:
        self.at: datetime = bench.clock.now()
        self.identities = _Made(self._identity)
        self._bench = bench
        self._model = model
        self._professional = professional
        self._documents: dict[str, bytes] = {}

    @cached_property
    def trust(self) -> Trust:
        """What a verifier may rely on: revocation lists only, since no responder knows of forged certificates."""
        now = self._bench.trust_now()
        return Trust(now.roots, now.intermediates, now.crls)

    def entry(self, entry_id: str) -> Entry:
        """An entry of the catalogue, or one of the bench's own."""
        if entry_id not in _OWN:
            return catalogue()[entry_id]
        base, change, steps = _OWN[entry_id]
        timely = tuple((name, self._timely(arguments)) for name, arguments in steps)
        return Entry(entry_id, "own", base, change, Verdict.INVALID, "", Importance.HIGH, timely)

    def document(self, entry_id: str, base: str = "") -> bytes:
        """The document of an entry, made once; with ``base`` its steps are taken on another base document."""
        name = f"{base}:{entry_id}"
        if name not in self._documents:
            entry = self.entry(entry_id)
            self._documents[name] = made_document(replace(entry, base=base or entry.base), self)
        return self._documents[name]

    @cached_property
    def bases(self) -> Mapping[str, bytes]:
        """The documents that entries begin with; all bear one id, which steps refer to."""
        written, alone = self._unsigned("client-plan"), self._unsigned("client-relationship", alone=True)
        record, prescription = self._unsigned("visit-note"), self._unsigned("prescription")
        by_card, prescribed = self.signed(written, "card"), self.signed(prescription, "card")
        later = self.at + timedelta(seconds=1)
        default = SignatureStyle(prefix="", ds_prefix="")
        return {
            "none": b"",
            "unsigned": written,
            "professional": by_card,
            "professional-ec": self.signed(written, "card-ec"),
            "system": self.signed(alone, "system", SignatureKind.SYSTEM),
            "default-namespaces": self.signed(alone, "system-rsa", SignatureKind.SYSTEM, default),
            "parallel": self.signed(by_card, "card", at=later),
            "both": self.signed(by_card, "system-rsa", SignatureKind.SYSTEM),
            "other-document": self.signed(self._unsigned("client-plan", title="Toinen asiakirja TEST"), "card"),
            "health": self.signed(record, "card"),
            "prescription": prescribed,
            "kanta": self.signed(prescribed, "kela", SignatureKind.KANTA, at=later),
        }

    def signed(
        self,
        document: bytes,
        who: str,
        kind: SignatureKind = SignatureKind.PROFESSIONAL,
        style: SignatureStyle | None = None,
        at: datetime | None = None,
    ) -> bytes:
        """The document signed by an identity, without asking whether it may."""
        identity = self.identities[who]
        author = self._professional if kind is SignatureKind.PROFESSIONAL else None
        # One whose certificate is not yet in force claims an earlier hour than its beginning.
        moment = at or (self.at - timedelta(hours=1) if who == "not-yet" else self.at)
        signer = Signer(kind, identity.key, identity.certificate, author)
        return sign_document(document, signer, moment, style or SignatureStyle())

    def _unsigned(self, kind: str, *, alone: bool = False, title: str = "") -> bytes:
        return build_document(
            kind,
            client=self._bench.maker.client,
            organisation=self._bench.organisation,
            author=None if alone else self._professional,
            document_oid=DOCUMENT,
            created=self.at - timedelta(hours=2),
            title=title,
        )

    def _timely(self, value: Any) -> Any:
        """The arguments of a step with the moments that they name."""
        if isinstance(value, list):
            return [self._timely(item) for item in value]
        if isinstance(value, str):
            for name, moment in self._moments.items():
                value = value.replace(f"{{{name}}}", moment)
        return value

    @cached_property
    def _moments(self) -> Mapping[str, str]:
        return {
            "later": signature_time(self.at + timedelta(seconds=20)),
            "week-ahead": signature_time(self.at + timedelta(days=7)),
            "local": self.at.astimezone(HELSINKI).replace(microsecond=0).isoformat(),
            "minute-ahead": hl7_time(self.at + timedelta(minutes=1)),
        }

    # --- certificates ------------------------------------------------------------------------------------------

    def _identity(self, name: str) -> Identity:
        if name == "issuing":
            return Identity(
                self._issuer("office", SOTE_PERSONS), self._bench.workspace.authorities.certificate(SOTE_PERSONS)
            )
        recipe = _RECIPES[name]
        model = self._bench.system_signature.certificate if recipe.system else self._model
        key: SigningKey
        key = rsa.generate_private_key(65537, 2048) if recipe.rsa else ec.generate_private_key(ec.SECP384R1())
        subject = model.subject
        if recipe.holder:
            subject = with_attribute(
                subject, NameOID.SERIAL_NUMBER, None if recipe.holder == _NOBODY else recipe.holder
            )
        values: list[x509.ExtensionType] = []
        if recipe.usage is not None:
            values.append(key_usage(**dict.fromkeys(recipe.usage, True)))
        if recipe.authority:
            values.append(x509.BasicConstraints(True, None))
        certificate = forged(
            model,
            self._issuer(recipe.issuer, SOTE_SERVICES if recipe.system else SOTE_PERSONS),
            public_key=key.public_key(),
            subject=subject,
            issuer=self._issuer_name(recipe.issuer, model),
            not_before=self.at + timedelta(days=recipe.begin),
            not_after=self.at + timedelta(days=recipe.end),
            replace=values,
        )
        return Identity(key, certificate)

    def _issuer(self, issuer: str, authority: str) -> PrivateKey:
        if issuer == "office":
            return self._bench.authority_key(authority)
        if issuer in _RECIPES:
            return self.identities[issuer].key
        return ec.generate_private_key(ec.SECP384R1())

    def _issuer_name(self, issuer: str, model: x509.Certificate) -> x509.Name:
        if issuer in _RECIPES:
            return self.identities[issuer].certificate.subject
        if issuer == "stranger":
            return with_attribute(model.issuer, NameOID.COMMON_NAME, "Toinen varmentaja TEST")
        return model.issuer
