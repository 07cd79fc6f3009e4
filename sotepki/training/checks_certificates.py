"""Whether the tasks about certificates are done."""

from __future__ import annotations

from datetime import datetime

from cryptography import x509

from sotepki.dvv import SOTE_SERVICES
from sotepki.training.scene import DONE, Outcome, Scene
from sotepki.x509.lint import lint_certificate
from sotepki.x509.profiles import load_profiles
from sotepki.x509.status import CertificateState


def leaked_key_revoked(scene: Scene) -> Outcome:
    """The certificate is revoked for its key's sake, and the published list says so."""
    serial = int(scene.names["serial"], 16)
    (found,) = scene.workspace.authorities.issued(serial_number=serial, authority_id=SOTE_SERVICES)
    if found.status.state is not CertificateState.REVOKED:
        return scene.lacks("not-revoked", state=found.status.state)
    if found.status.reason is not x509.ReasonFlags.key_compromise:
        return scene.lacks("other-reason", reason=found.status.reason.value if found.status.reason else "unspecified")
    if _list(scene).get_revoked_certificate_by_serial_number(serial) is None:
        return scene.lacks("not-published")
    return DONE


def profile_named(scene: Scene) -> Outcome:
    """The profile that was handed in is the one the certificate was made by."""
    named = scene.said()
    if not named:
        return scene.lacks("no-answer")
    if named not in load_profiles():
        return scene.lacks("no-profile", answer=named[:60])
    mailed = x509.load_pem_x509_certificate((scene.workspace.directory / scene.names["file"]).read_bytes())
    right = lint_certificate(mailed).profile_id or ""
    if named == right:
        return DONE
    return scene.lacks("other-tree" if named == right.removesuffix("-ec") else "wrong", answer=named)


def window_told(scene: Scene) -> Outcome:
    """The moment is the end of the published list's own time."""
    moment = scene.answer
    if isinstance(moment, str):
        try:
            moment = datetime.fromisoformat(moment)
        except ValueError:
            return scene.lacks("no-answer")
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        return scene.lacks("no-answer")
    end = _list(scene).next_update_utc
    if end is None or moment == end:
        return DONE
    return scene.lacks("too-early" if moment < end else "too-late")


def _list(scene: Scene) -> x509.CertificateRevocationList:
    """The list of the services' authority, as it is published."""
    plan = scene.workspace.authorities.plan.authorities[SOTE_SERVICES]
    return x509.load_der_x509_crl((scene.workspace.published / "crl" / f"{plan.publication_id}.crl").read_bytes())
