"""The bridge to pyhanko-certvalidator: pyca objects in, the first reason to reject the path out.

Only explicit roots, never fetching: then the library reads no trust list of the machine (it would load oscrypto,
which cannot read the version of current OpenSSL) and never waits, so its coroutine can be run without an event loop,
inside a running one as well.
"""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from pyhanko_certvalidator import errors
from pyhanko_certvalidator.authority import CertTrustAnchor
from pyhanko_certvalidator.context import ValidationContext
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import CertRevTrustPolicy, RevocationCheckingPolicy, RevocationCheckingRule
from pyhanko_certvalidator.validate import async_validate_path

from sotepki.errors import Fault
from sotepki.x509.ip_constraints import WithoutIpConstraints, forbidden_address
from sotepki.x509.revocation_data import RevocationData


@dataclass(frozen=True)
class Rejection:
    """Why a path is rejected: rule id, a sentence for people, and the library's own words."""

    rule: str
    message: str
    detail: str


@dataclass(frozen=True)
class _Material:
    """What a path is judged by besides the certificate itself."""

    authorities: tuple[x509.Certificate, ...]
    at: datetime
    data: RevocationData

    @property
    def key(self) -> tuple[object, ...]:
        # Lists are told apart as objects: hashing one of a million entries would cost more than judging.
        return (self.authorities, self.at, *(id(crl) for crl in self.data.crls))


@dataclass
class _Prepared:
    """A context of the library that is used again; ``material`` keeps the objects alive whose ids are in the key."""

    material: _Material
    context: ValidationContext
    uses: int = 0


@dataclass
class _Contexts:
    """The contexts that were used last: building one costs more than judging a path in it.

    The library remembers in a context what it has seen, so a context is given up after many uses.
    """

    most: int = 8
    most_uses: int = 5000
    _kept: OrderedDict[tuple[object, ...], _Prepared] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, material: _Material, leaf_revocation: bool, ca_revocation: bool) -> ValidationContext:
        """A context for this material."""
        if material.data.ocsp_responses:
            return _context(material, leaf_revocation, ca_revocation)
        key = (*material.key, leaf_revocation, ca_revocation)
        with self._lock:
            prepared = self._kept.pop(key, None)
            if prepared is None or prepared.uses >= self.most_uses:
                prepared = _Prepared(material, _context(material, leaf_revocation, ca_revocation))
            prepared.uses += 1
            self._kept[key] = prepared
            while len(self._kept) > self.most:
                self._kept.popitem(last=False)
            return prepared.context


_contexts = _Contexts()


def _context(material: _Material, leaf_revocation: bool, ca_revocation: bool) -> ValidationContext:
    required, none = RevocationCheckingRule.CRL_OR_OCSP_REQUIRED, RevocationCheckingRule.NO_CHECK
    policy = RevocationCheckingPolicy(
        ee_certificate_rule=required if leaf_revocation else none,
        intermediate_ca_cert_rule=required if ca_revocation else none,
    )
    loaded = [_loaded(certificate) for certificate in material.authorities]
    return ValidationContext(
        trust_roots=[loaded[-1]],
        other_certs=loaded[:-1],
        moment=material.at,
        allow_fetching=False,
        crls=[asn1_crl.CertificateList.load(crl.public_bytes(Encoding.DER)) for crl in material.data.crls],
        ocsps=[
            asn1_ocsp.OCSPResponse.load(response.public_bytes(Encoding.DER))
            for response in material.data.ocsp_responses
            if response.response_status is ocsp.OCSPResponseStatus.SUCCESSFUL
        ],
        revinfo_policy=CertRevTrustPolicy(policy, retroactive_revinfo=True),
        time_tolerance=timedelta(0),  # a period is as long as it says: the library would add a second at each end
    )


@functools.lru_cache(maxsize=64)
def _loaded(certificate: x509.Certificate) -> asn1_x509.Certificate:
    """A CA certificate in the library's form; it is the same in path after path."""
    return WithoutIpConstraints.load(certificate.public_bytes(Encoding.DER))


def judge(
    chain: Sequence[x509.Certificate],
    *,
    at: datetime,
    data: RevocationData,
    leaf_revocation: bool,
    ca_revocation: bool,
) -> Rejection | None:
    """The first reason to reject a chain (certificate first, trusted root last), or None.

    Raises:
        ValueError, TypeError: a structure that pyca read cannot be read by the library.
    """
    material = _Material(tuple(chain[1:] or chain), at.replace(microsecond=0), data)
    root = _loaded(chain[-1])
    leaf = asn1_x509.Certificate.load(chain[0].public_bytes(Encoding.DER)) if len(chain) > 1 else None
    try:
        context = _contexts.of(material, leaf_revocation, ca_revocation)
        path = ValidationPath(CertTrustAnchor(root), [_loaded(one) for one in chain[-2:0:-1]], leaf)
        _run(async_validate_path(context, path))
    except errors.RevokedError as error:
        when = f"{error.revocation_dt:%Y-%m-%d %H:%M:%SZ}"
        reason = error.reason.human_friendly
        return Rejection("path.revoked", f"A certificate of the path was revoked on {when}: {reason}.", str(error))
    except errors.ValidationError as error:
        return _told(error)
    except AssertionError:
        # The library asserts that key and signature are of one family, where a stranger's data may break it.
        # A stranger's answer or list must not decide about a certificate: judge again without them.
        if data:
            rest = RevocationData(data.crls) if data.ocsp_responses else RevocationData()
            return judge(chain, at=at, data=rest, leaf_revocation=leaf_revocation, ca_revocation=ca_revocation)
        message = "A signature on the path is of another family than its key."
        return Rejection("path.signature", message, "signature and key do not fit")
    except (KeyError, IndexError, AttributeError, OverflowError, NotImplementedError) as error:
        # asn1crypto reads lazily and meets broken content deep inside the judge.
        raise ValueError(f"{type(error).__name__}: {error}") from error
    address = forbidden_address(chain)
    if address is not None:
        return Rejection("path.name-constraints", "An address is outside the constraints of a CA.", address)
    return None


def _told(error: errors.ValidationError) -> Rejection:
    detail = str(error)
    for kind, rule, message in _BY_TYPE:
        if isinstance(error, kind):
            return Rejection(rule, message, detail)
    for words, rule, message in _BY_WORDS:
        if words in detail:
            return Rejection(rule, message, detail)
    return Rejection("path.invalid", "The path is not valid.", detail)


def _run(coroutine: Coroutine[Any, Any, Any]) -> None:
    """Run a coroutine that never waits, without an event loop."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise Fault("The path validation library waits for something, although it may not fetch.")


_BY_TYPE: tuple[tuple[type[Exception], str, str], ...] = (
    (errors.ExpiredError, "path.expired", "A certificate of the path has ended."),
    (errors.NotYetValidError, "path.not-yet-valid", "A certificate of the path has not begun."),
    (errors.StaleRevinfoError, "path.revocation.stale", "The revocation data is not current at this time."),
    (errors.InsufficientRevinfoError, "path.revocation.missing", "There is no usable revocation data."),
    (errors.DisallowedAlgorithmError, "path.algorithm", "A signature uses a broken algorithm or a short key."),
)

#: The library tells these apart in words only; a test provokes each, so that a change of wording is noticed.
_BY_WORDS: tuple[tuple[str, str, str], ...] = (
    ("signature of", "path.signature", "A signature on the path does not verify."),
    ("signature parameters", "path.signature", "A signature on the path does not verify."),
    ("is not a CA", "path.not-a-ca", "An issuer on the path is not a CA."),
    ("not allowed to sign certificates", "path.not-a-ca", "An issuer on the path may not sign certificates."),
    ("maximum path length", "path.length", "The path is longer than a CA on it allows."),
    ("permitted namespace", "path.name-constraints", "A name is outside the constraints of a CA."),
    ("are excluded from", "path.name-constraints", "A name is excluded by a CA."),
    ("critical extension", "path.critical-extension", "A critical extension is not understood."),
    ("set of policies", "path.policy", "The policies on the path do not agree."),
    ("policy graph", "path.policy", "The policies on the path do not agree."),
    ("issuer name", "path.untrusted", "The names on the path do not follow each other."),
)
