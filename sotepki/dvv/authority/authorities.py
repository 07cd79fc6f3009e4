"""DVV's certificate authorities: the TEST hierarchy, issuing, revocation, status, lists and OCSP responders."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import select

from sotepki.dvv.authority import ledger, revocation_lists
from sotepki.dvv.authority.certification import OFFICE, CertificateOrder, Certification, serial_maker
from sotepki.dvv.authority.ledger import IssuedCertificate
from sotepki.dvv.authority.plan import AuthorityPlan, load_plan
from sotepki.dvv.authority.reasons import load_reasons
from sotepki.dvv.authority.revocation import CertificateReference, revoke
from sotepki.dvv.authority.revocation_lists import SignedList
from sotepki.dvv.authority.rules import refusal
from sotepki.dvv.authority.tables import AuthorityRow
from sotepki.dvv.publication.revocation_watch import RevocationWatch
from sotepki.errors import Fault, SotepkiError
from sotepki.records import Records, write_atomically
from sotepki.tokens import KeyKind, PrivateKey
from sotepki.tokens.storage import locked, private_directory
from sotepki.x509.issuing import Issuer, responder_subject
from sotepki.x509.ocsp import Responder
from sotepki.x509.profiles import Profile
from sotepki.x509.serials import serial_text
from sotepki.x509.status import CertificateStatus

KeyByLabel = Callable[[str], PrivateKey]
"""Gives the private key with a label: a ``KeyRing``, or a dictionary's ``__getitem__`` in tests."""
KeyMaker = Callable[[str, KeyKind], PrivateKey]
"""Gives the private key with a label and makes it first if there is none yet."""

ROOT = "root"
SOTE_PERSONS = "sote-persons"
SOTE_SERVICES = "sote-services"

_SYSTEM = "dvv"
_RESPONDER_MEMORY = timedelta(minutes=1)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _MadeAuthority:
    """An authority that is ready to work; everything in it stays as it is for the life of the workspace."""

    plan: AuthorityPlan
    certificate: x509.Certificate
    key_id: str


@dataclass(frozen=True)
class _RememberedResponder:
    responder: Responder
    looked_up: datetime


class Authorities:
    """All certificate authorities of a workspace; safe to use from several threads.

    ``keys`` gives the keys of authorities and responders by label; with ``create_key`` an authority that the plan
    makes on demand is made when it first issues. ``profiles`` are those of ``sotepki.x509.profiles``. The object is a
    ``StatusSource``.
    """

    def __init__(
        self,
        records: Records,
        keys: KeyByLabel,
        profiles: Mapping[str, Profile],
        *,
        create_key: KeyMaker | None = None,
    ) -> None:
        self.plan = load_plan()
        self.reasons = load_reasons()
        self._records = records
        self._keys = keys
        self._profiles = profiles
        self._create_key = create_key
        self._ready: set[str] = set()
        self._known: dict[str, _MadeAuthority] = {}
        self._issuers: dict[str, Issuer] = {}
        self._responders: dict[str, _RememberedResponder] = {}
        self._lock = threading.RLock()

    # ------------------------------------------------------------------------------------------------ hierarchy

    def create_hierarchy(self, create_key: KeyMaker, *, actor: str = _SYSTEM) -> None:
        """Make every authority of the plan and its OCSP responder, the root first; those on demand come later.

        A hierarchy that a crash left unfinished is finished: what is there stays, and ``create_key`` is asked for
        the rest.

        Raises:
            Refused: the hierarchy is complete already (``authority.exists``).
        """
        wanted = [plan for plan in self.plan.authorities.values() if not plan.on_demand]
        missing = [plan for plan in wanted if not self.is_made(plan.id)]
        without = [plan.id for plan in wanted if self._responder_der(plan.id) is None]
        if not without:
            raise refusal("authority.exists", "The certificate authorities of this workspace exist already.")
        for plan in missing:
            self._create_authority(plan, create_key(plan.key_label, plan.key), actor)
        for authority_id in without:
            self._create_responder(authority_id, create_key, actor)

    def missing(self) -> list[str]:
        """The authorities that this workspace should have and does not, as one of an older version."""
        made = set(self.made())
        return [plan.id for plan in self.plan.authorities.values() if not plan.on_demand and plan.id not in made]

    def made(self) -> list[str]:
        """The authorities that there are, in the order of the plan; one on demand may not be there yet."""
        with self._records.look() as session:
            made = set(session.scalars(select(AuthorityRow.id).where(AuthorityRow.der.is_not(None))))
        return [authority_id for authority_id in self.plan.authorities if authority_id in made]

    def is_made(self, authority_id: str) -> bool:
        """Whether an authority has its certificate."""
        with self._records.look() as session:
            row = session.get(AuthorityRow, authority_id)
            return row is not None and row.der is not None

    def make_ready(self, authority_id: str, *, actor: str = _SYSTEM) -> None:
        """Make an authority that is made on demand, if it is not there or was left unfinished.

        Runs of several processes wait for each other here, so that there is one key and one certificate.
        """
        plan = self._plan(authority_id)
        with self._lock:
            if self._create_key is None or not plan.on_demand or authority_id in self._ready:
                return
            if self._responder_der(authority_id) is None:
                with locked(private_directory(self._records.outbox_directory.parent / "claims") / "authority.lock"):
                    if not self.is_made(authority_id):
                        self._create_authority(plan, self._create_key(plan.key_label, plan.key), actor)
                    if self._responder_der(authority_id) is None:
                        self._create_responder(authority_id, self._create_key, actor)
            self._ready.add(authority_id)

    def certificate(self, authority_id: str) -> x509.Certificate:
        """The CA certificate of an authority."""
        return self._authority(authority_id).certificate

    def chain(self, authority_id: str) -> tuple[x509.Certificate, ...]:
        """The CA certificates from an authority up to the root, both included."""
        chain: list[x509.Certificate] = []
        next_id: str | None = authority_id
        while next_id is not None:
            authority = self._authority(next_id)
            chain.append(authority.certificate)
            next_id = authority.plan.issuer
        return tuple(chain)

    @property
    def root(self) -> x509.Certificate:
        """The certificate of the root for RSA, below which services and persons have their first authorities."""
        return self.certificate(ROOT)

    @property
    def roots(self) -> tuple[x509.Certificate, ...]:
        """The certificates of all roots: what a verifier of any authority's certificates has to trust."""
        return tuple(self.certificate(one) for one in self.made() if self.plan.authorities[one].issuer is None)

    def authority_of(self, certificate: x509.Certificate) -> str | None:
        """The id of the authority whose key identifier a certificate names as its issuer's, None if not ours."""
        key_id = ledger.issuer_key_id_of(certificate)
        return next((a for a in self.made() if self._authority(a).key_id == key_id), None)

    # -------------------------------------------------------------------------------------------------- issuing

    def issue(
        self,
        authority_id: str,
        profile_id: str,
        *,
        subject: Mapping[str, str],
        public_key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
        actor: str,
        holder: str,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        dns_names: Sequence[str] = (),
        extended_key_usage: Sequence[str] = (),
    ) -> x509.Certificate:
        """Issue and record one certificate; see ``CertificateOrder`` and ``issue_many``."""
        order = CertificateOrder(
            subject, public_key, holder, not_after, dns_names, extended_key_usage, not_before=not_before
        )
        return self.issue_many(authority_id, profile_id, [order], actor=actor)[0]

    def issue_many(
        self, authority_id: str, profile_id: str, orders: Sequence[CertificateOrder], *, actor: str
    ) -> list[x509.Certificate]:
        """Issue a certificate for each order, all recorded in one transaction, or none.

        Serial numbers are committed as taken before the key signs; a crash costs numbers and never uses one twice.
        Certificates that strict readers refuse (explicit NULL parameters) come from ``issue_many_der``.

        Raises:
            Refused: the authority does not issue this profile (``authority.profile``), is expired or revoked
                (``authority.expired``), an end lies after the authority's (``authority.validity``), or the profile
                forbids something.
        """
        return self._certification_for(authority_id, profile_id, actor).issue(orders)

    def issue_many_der(
        self, authority_id: str, profile_id: str, orders: Sequence[CertificateOrder], *, actor: str
    ) -> list[bytes]:
        """``issue_many``, giving DER: also for profiles whose certificates the library here cannot read back."""
        return self._certification_for(authority_id, profile_id, actor).issue_der(orders)

    def _certification_for(self, authority_id: str, profile_id: str, actor: str) -> Certification:
        profile, plan = self._profile(profile_id), self._plan(authority_id)
        if plan.profile not in profile.issuers:
            raise refusal(
                "authority.profile",
                f"The authority {authority_id} does not issue {profile_id} certificates.",
                subject=profile_id,
            )
        self.make_ready(authority_id, actor=actor)
        return self._certification(authority_id, profile, actor)

    # ----------------------------------------------------------------------------------------------- revocation

    def revoke(self, certificate: CertificateReference, *, reason: x509.ReasonFlags, actor: str) -> CertificateStatus:
        """Revoke a certificate, given itself or as (authority id, serial number); it can never be undone.

        Raises:
            Refused: ``revocation.unknown-certificate``, ``revocation.final``, ``revocation.no-hold``,
                ``revocation.reason``, ``revocation.expired``, ``authority.unknown``.
        """
        status = revoke(self._records, self.plan, self.reasons, certificate, reason=reason, actor=actor)
        with self._lock:
            self._responders.clear()
        return status

    def status(self, issuer_key_id: bytes, serial_number: int) -> CertificateStatus:
        """The state of a certificate in the records; unknown if no authority here issued it."""
        with self._records.look() as session:
            return ledger.status_of(session, issuer_key_id.hex(), serial_number)

    def revocation_watch(self) -> RevocationWatch:
        """Tells at once whether anything was revoked, by whatever process; the caller closes it."""
        return RevocationWatch(self._records.database)

    def issued(
        self, *, serial_number: int | None = None, holder: str | None = None, authority_id: str | None = None
    ) -> list[IssuedCertificate]:
        """The issued certificates that fit everything given, in the order of issuing, with their states."""
        with self._records.look() as session:
            return ledger.find(session, serial_number=serial_number, holder=holder, authority_id=authority_id)

    def revocations(self, authority_id: str, *, serial_number: int | None = None) -> Mapping[int, CertificateStatus]:
        """The revoked certificates of an authority by serial number; ``serial_number`` asks about one only."""
        with self._records.look() as session:
            return ledger.revocations(session, authority_id, serial_number)

    # ---------------------------------------------------------------------------------------------- publication

    def responder(self, authority_id: str) -> Responder:
        """The OCSP responder of an authority; its certificate is renewed when the end comes near."""
        now = self._records.clock.now()
        with self._lock:
            known = self._responders.get(authority_id)
            if known and known.looked_up <= now < known.looked_up + _RESPONDER_MEMORY:
                return known.responder
            return self._look_up_responder(authority_id, now)

    def sign_crl(self, authority_id: str, *, actor: str = _SYSTEM) -> SignedList:
        """A revocation list of this moment under the next number, signed and not published."""
        authority = self._authority(authority_id)
        return revocation_lists.sign_list(
            self._records, authority.plan, self._issuer(authority), self.plan.list_policy(authority_id), actor=actor
        )

    def publish(self, directory: Path, *, actor: str = _SYSTEM) -> dict[str, int]:
        """Publish a new list and the CA certificate of every authority; gives the list numbers by authority id.

        The number is that of a later list where another process published one meanwhile; it has all that ours has.
        Files: ``crl/<publication id>.crl`` and ``ca/<publication id>.crt``, both DER, each replaced whole.

        Raises:
            Fault: what an authority publishes could not be written; that of the others was.
        """
        return revocation_lists.publish_each(self.made(), lambda one: self._publish(one, directory, actor))

    def publish_if_due(self, directory: Path, *, actor: str = _SYSTEM) -> dict[str, int]:
        """As ``publish``, for the authorities whose list is missing, old, or lacks a revocation."""
        return revocation_lists.publish_each(self.made(), lambda one: self._publish_if_due(one, directory, actor))

    def list_number(self, authority_id: str) -> int | None:
        """The number of the published list of an authority, whichever process published it; None if there is none."""
        with self._records.look() as session:
            return revocation_lists.latest_number(session, authority_id)

    def _publish_if_due(self, authority_id: str, directory: Path, actor: str) -> int | None:
        plan, now = self.plan.authorities[authority_id], self._records.clock.now()
        with self._records.look() as session:
            due = revocation_lists.due(session, plan, self.plan.list_policy(authority_id), directory, now)
        return self._publish(authority_id, directory, actor) if due else None

    def _publish(self, authority_id: str, directory: Path, actor: str) -> int:
        authority = self._authority(authority_id)
        certificate = directory / "ca" / f"{authority.plan.publication_id}.crt"
        content = authority.certificate.public_bytes(Encoding.DER)
        if not certificate.exists() or certificate.read_bytes() != content:
            write_atomically(certificate, content)
        signed = self.sign_crl(authority_id, actor=actor)
        if revocation_lists.publish_list(self._records, authority.plan, signed, directory, actor=actor):
            return signed.number
        return self.list_number(authority_id) or signed.number

    # -------------------------------------------------------------------------------------------------- making

    def _create_responder(self, authority_id: str, create_key: KeyMaker, actor: str) -> None:
        key = self.plan.responders.key_for(self._plan(authority_id))
        create_key(self.plan.responders.key_label(authority_id), key)
        self._issue_responder(authority_id, actor)

    def _create_authority(self, plan: AuthorityPlan, key: PrivateKey, actor: str) -> None:
        key_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest.hex()
        with self._records.change(OFFICE, actor) as tx:
            row = tx.session.get(AuthorityRow, plan.id)
            if row is None:
                row = AuthorityRow(id=plan.id, publication_id=plan.publication_id, key_label=plan.key_label)
                tx.session.add(row)
            row.key_id, row.created_at = key_id, tx.now
            tx.journal("authority-planned", plan.id, key_id=key_id)
        profile = self._profile(plan.profile)
        if plan.issuer is None:
            by = Certification(self._records, plan, Issuer(None, key), key_id, profile, actor, serial_maker(profile))
        else:
            by = self._certification(plan.issuer, profile, actor)
        order = CertificateOrder({}, key.public_key(), f"authority:{plan.id}")
        certificate = by.issue([order])[0]
        if ledger.key_id_of(certificate) != key_id:
            raise Fault(f"The certificate of {plan.id} bears another key identifier than its records.")
        with self._records.change(OFFICE, actor) as tx:
            row = ledger.locked_authority(tx.session, plan.id)
            row.der = certificate.public_bytes(Encoding.DER)
            tx.journal("authority-created", plan.id, serial=serial_text(certificate.serial_number))

    def _issue_responder(self, authority_id: str, actor: str) -> bytes:
        policy, authority = self.plan.responders, self._authority(authority_id)
        profile = self._profile(policy.profile_for(authority.plan))
        key = self._keys(policy.key_label(authority_id))
        number = len(self.issued(holder=f"responder:{authority_id}")) + 1
        order = CertificateOrder(
            subject=responder_subject(authority.certificate, number),
            public_key=key.public_key(),
            holder=f"responder:{authority_id}",
        )
        certificate = self._certification(authority_id, profile, actor).issue([order])[0]
        return certificate.public_bytes(Encoding.DER)

    def _look_up_responder(self, authority_id: str, now: datetime) -> Responder:
        policy, authority = self.plan.responders, self._authority(authority_id)
        der = self._responder_der(authority_id)
        certificate = x509.load_der_x509_certificate(der) if der else None
        if certificate is None or (
            certificate.not_valid_after_utc - policy.renew_before <= now
            # Near the authority's own end a new responder certificate would end no later than this one.
            and certificate.not_valid_after_utc < authority.certificate.not_valid_after_utc
        ):
            try:
                certificate = x509.load_der_x509_certificate(self._issue_responder(authority_id, _SYSTEM))
            except SotepkiError as error:
                if certificate is None:
                    raise
                # The one there is may answer until it ends: that of a revoked authority must, to the last day.
                _log.warning("The OCSP responder of %s keeps its certificate: %s", authority_id, error.sentence)
        responder = Responder(
            issuer_certificate=authority.certificate,
            responder_certificate=certificate,
            key=self._keys(policy.key_label(authority_id)),
            status=self,
            clock=self._records.clock,
            validity=policy.answer_validity,
        )
        self._responders[authority_id] = _RememberedResponder(responder, now)
        return responder

    def _responder_der(self, authority_id: str) -> bytes | None:
        with self._records.look() as session:
            return ledger.responder_certificate(
                session,
                authority_id,
                self.plan.responders.profile_for(self._plan(authority_id)),
                self._records.clock.now(),
            )

    # ------------------------------------------------------------------------------------------------- looking up

    def _plan(self, authority_id: str) -> AuthorityPlan:
        if authority_id not in self.plan.authorities:
            raise ledger.unknown_authority(authority_id)
        return self.plan.authorities[authority_id]

    def _profile(self, profile_id: str) -> Profile:
        if profile_id not in self._profiles:
            raise Fault(f"The certificate profile {profile_id!r} is not among the profiles.")
        return self._profiles[profile_id]

    def _authority(self, authority_id: str) -> _MadeAuthority:
        plan = self._plan(authority_id)
        with self._lock:
            if authority_id not in self._known:
                with self._records.look() as session:
                    made = session.execute(
                        select(AuthorityRow.der, AuthorityRow.key_id).where(AuthorityRow.id == authority_id)
                    ).first()
                if made is None or made.der is None:
                    raise Fault(
                        f"The certificate authority {authority_id} has not been made in this workspace.",
                        advice="Make a new workspace with 'sotepki init'.",
                    )
                self._known[authority_id] = _MadeAuthority(
                    plan, x509.load_der_x509_certificate(made.der), made.key_id
                )
            return self._known[authority_id]

    def _issuer(self, authority: _MadeAuthority) -> Issuer:
        key = self._keys(authority.plan.key_label)
        with self._lock:
            known = self._issuers.get(authority.plan.id)
            # A token that was opened again gives new key objects; the old ones are dead.
            if known is None or known.key is not key:
                known = self._issuers[authority.plan.id] = Issuer(authority.certificate, key)
            return known

    def _certification(self, authority_id: str, profile: Profile, actor: str) -> Certification:
        authority = self._authority(authority_id)
        return Certification(
            self._records,
            authority.plan,
            self._issuer(authority),
            authority.key_id,
            profile,
            actor,
            serial_maker(profile),
        )
