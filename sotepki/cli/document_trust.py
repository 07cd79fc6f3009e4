"""What documents are verified against: files that were named, or what the workspace knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sotepki.cli.cert_verify import lists_of, moment_of
from sotepki.cli.context import read_input, workspace_directory
from sotepki.errors import Misuse

if TYPE_CHECKING:
    from cryptography import x509

    from sotepki.documents import StatusQuestion, VerificationContext
    from sotepki.workspace import Workspace


@contextmanager
def material(
    trust: Sequence[str],
    intermediates: Sequence[str],
    crls: Sequence[str],
    responses: Sequence[str],
    at: str | None,
    *,
    revocation: bool,
) -> Iterator[VerificationContext]:
    """The context of a verification; a workspace is open while it is used, unless roots were named.

    Raises:
        Misuse: a file or the time cannot be read, or there is neither a root nor a workspace.
        Refused: a file does not hold what it should.
    """
    from sotepki.clock import SystemClock
    from sotepki.documents import VerificationContext
    from sotepki.x509.reading import read_certificates, read_ocsp_responses

    moment = moment_of(at) if at else None
    roots = tuple(c for file in trust for c in read_certificates(read_input(file), name=file))
    issuers = tuple(c for file in intermediates for c in read_certificates(read_input(file), name=file))
    lists = tuple(crl for file in crls for crl in lists_of(file))
    answers = tuple(r for file in responses for r in read_ocsp_responses(read_input(file), name=file))
    if roots:
        yield VerificationContext(
            trust=roots,
            intermediates=issuers,
            at=moment or SystemClock().now(),
            crls=lists,
            ocsp_responses=answers,
            revocation=revocation,
        )
        return

    directory = workspace_directory()
    if not directory.exists():
        raise Misuse(
            f"There is no workspace in {directory.absolute()}, and no trusted root is named.",
            advice="Name roots with --trust (and CAs with --intermediates), or your workspace with --workspace; "
            "'sotepki init' makes one.",
        )
    from sotepki.workspace import Workspace

    with Workspace.open(directory) as workspace:
        yield VerificationContext(
            trust=workspace.authorities.roots,
            intermediates=(*issuers, *_authorities(workspace)),
            at=moment or workspace.clock.now(),
            crls=lists,
            ocsp_responses=answers,
            revocation=revocation,
            rights=workspace.valvira,
            status=None if lists or answers else _asking(workspace),
        )


def _authorities(workspace: Workspace) -> tuple[x509.Certificate, ...]:
    from sotepki.x509.reading import read_certificates

    paths = sorted(workspace.published.rglob("*.crt"))
    return tuple(certificate for path in paths for certificate in read_certificates(path.read_bytes()))


def _asking(workspace: Workspace) -> StatusQuestion:
    """The state of a certificate from the CA's own records, which is what its responder would say."""
    from cryptography import x509

    from sotepki.x509.status import CertificateState, CertificateStatus

    def ask(certificate: x509.Certificate, issuer: x509.Certificate) -> CertificateStatus:
        try:
            key_id = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
        except (x509.ExtensionNotFound, ValueError):
            return CertificateStatus(CertificateState.UNKNOWN)
        return workspace.authorities.status(key_id, certificate.serial_number)

    return ask
