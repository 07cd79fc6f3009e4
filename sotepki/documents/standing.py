"""Where a signer's certificate stands among the CAs that a verifier knows: issuer, chain, and when its path is good.

What costs signature verifications is worked out once, since archives hold many documents of one signer.
"""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import TypeAlias

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from sotepki.evidence import Verdict
from sotepki.x509.chains import follow, in_time
from sotepki.x509.issuer import issuer_among
from sotepki.x509.path import PathReport, Purpose, validate_path

Certificates: TypeAlias = tuple[x509.Certificate, ...]
Period: TypeAlias = tuple[datetime, datetime]


class Standing:
    """One certificate among trusted roots and issuing CAs. Any certificate gives an answer, never an exception."""

    def __init__(self, certificate: x509.Certificate, trust: Certificates, intermediates: Certificates) -> None:
        self.certificate = certificate
        self.trust = trust
        self.intermediates = intermediates
        self._good: dict[Purpose, Period | None] = {}

    @cached_property
    def issuer(self) -> x509.Certificate | None:
        """The CA that issued it: the name fits and the CA's key verifies the signature."""
        return issuer_among(self.certificate, (*self.intermediates, *self.trust))

    @cached_property
    def chain(self) -> Certificates:
        """From the certificate towards a root, as far as it goes, whatever the time."""
        return self._chain(None)

    def chain_at(self, at: datetime) -> Certificates:
        """The chain that the path is judged by at a moment: a renewed CA has another certificate before and after."""
        try:
            good = all(in_time(link, at) for link in self.chain)
        except ValueError:
            good = False
        return self.chain if good else self._chain(at)

    def _chain(self, at: datetime | None) -> Certificates:
        try:
            return follow(self.certificate, self.intermediates, self.trust, at=at)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            return (self.certificate,)

    def good_period(self, purpose: Purpose) -> Period | None:
        """From when to when the path, without revocation, has nothing against it; None if there is no such time.

        Without revocation only the validity periods make the answer depend on the moment, so one judgement serves
        all documents of a signer.
        """
        if purpose not in self._good:
            self._good[purpose] = self._judged(purpose)
        return self._good[purpose]

    def _judged(self, purpose: Purpose) -> Period | None:
        begin = self.certificate.not_valid_before_utc
        report = self._report(begin, purpose)
        begin = max(link.not_valid_before_utc for link in report.chain) if report.chain else begin
        end = min((link.not_valid_after_utc for link in report.chain), default=begin)
        if begin >= end:
            return None
        if report.at != begin or report.findings:
            report = self._report(begin, purpose)
        return None if report.findings or report.verdict is not Verdict.VALID else (begin, end)

    def _report(self, at: datetime, purpose: Purpose) -> PathReport:
        return validate_path(
            self.certificate,
            trust=self.trust,
            intermediates=self.intermediates,
            at=at,
            purpose=purpose,
            revocation=False,
        )
