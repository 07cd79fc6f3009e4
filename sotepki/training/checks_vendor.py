"""Checks of the vendor's and the architect's exercises (notebooks 09 and 10)."""

from __future__ import annotations

import re

from sotepki.documents.diagnosis import diagnose
from sotepki.dvv import ApplicationKind
from sotepki.training.scene import DONE, Outcome, Scene
from sotepki.x509.csr import CsrKind, check_csr
from sotepki.x509.explorer import profiles_frame
from sotepki.x509.what_if import Algorithm, Overlay, what_if

_LARGEST_REQUEST = 100_000


def request_ready(scene: Scene) -> Outcome:
    """A request for a server certificate, without a finding."""
    if not isinstance(scene.answer, bytes) or len(scene.answer) > _LARGEST_REQUEST:
        return scene.lacks("no-bytes")
    report = check_csr(scene.answer, CsrKind.SERVER)
    if report.findings:
        return scene.lacks("finding", message=report.findings[0].message, rule=report.findings[0].rule)
    host = "kanta.sosiaali.tunturilaakso.test.example"
    return DONE if host in report.dns_names else scene.lacks("other-host", host=host)


def certificate_collected(scene: Scene) -> Outcome:
    """The coast's hospital has a server certificate that was issued to them."""
    organisation = scene.cast.organisation("coast-hospital")
    applications = scene.workspace.service_certificates.applications(organisation=organisation)
    wanted = [one for one in applications if one.kind == ApplicationKind.SERVER]
    if not wanted:
        return scene.lacks("no-application")
    return DONE if any(one.serial for one in wanted) else scene.lacks("not-issued", state=wanted[-1].state)


def which_accident(scene: Scene) -> Outcome:
    """One of the accidents that the diagnosis names for the exported file."""
    document = (scene.workspace.directory / scene.names["file"]).read_bytes()
    named = {name for one in diagnose(document) for name in one.accidents}
    if not scene.said():
        return scene.lacks("nothing")
    return DONE if scene.said() in named else scene.lacks("other")


def who_knocked(scene: Scene) -> Outcome:
    """The kind of certificate that the care home's server showed to Kanta."""
    said = scene.said().replace(" ", "-")
    named = [kind for kind in ApplicationKind if kind in said]
    return DONE if named == [ApplicationKind.SYSTEM_SIGNATURE] else scene.lacks("other" if said else "nothing")


def octets_saved(scene: Scene) -> Outcome:
    """How many octets a certificate with a P-384 key is shorter, give or take the few that vary."""
    number = _number(scene)
    if number is None:
        return scene.lacks("no-number")
    profile = "professional-signature-rsa"
    today, curve = (what_if(profile, overlay, rounds=1) for overlay in (None, Overlay(algorithm=Algorithm.P_384)))
    saved = today.certificate_octets - curve.certificate_octets
    # DER drops leading zeros of serial numbers and signatures, so two runs differ by a few octets.
    return DONE if abs(number - saved) <= 16 else scene.lacks("other-number")


def least_known(scene: Scene) -> Outcome:
    """A profile that has more rows of grade unknown than, or as many as, any other."""
    frame = profiles_frame()
    if not scene.said():
        return scene.lacks("nothing")
    if scene.said() not in set(frame.index):
        return scene.lacks("no-profile")
    return DONE if frame.loc[scene.said(), "unknown"] == frame["unknown"].max() else scene.lacks("other-profile")


def _number(scene: Scene) -> float | None:
    found = re.fullmatch(r"-?[0-9][0-9 ]*(?:\.[0-9]+)?", scene.said())
    return abs(float(found[0].replace(" ", ""))) if found else None
