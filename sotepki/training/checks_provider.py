"""Checks of the exercises in the service provider's notebook."""

from __future__ import annotations

from cryptography import x509

from sotepki.dvv import ApplicationKind
from sotepki.provider.plans import plan_kinds
from sotepki.training.scene import DONE, Outcome, Scene

_PLAN = "information-security"
_ISSUED, _REVOKED = "issued", "revoked"
_DISCLOSED = "key-compromise"
_HOST = "kanta.kanervarinne.test.example"


def care_home_server(scene: Scene) -> Outcome:
    """The care home has a server certificate in force, for the host that was asked for."""
    home = scene.cast.organisation("care-home")
    applied = [
        one
        for one in scene.workspace.service_certificates.applications(organisation=home)
        if one.kind == ApplicationKind.SERVER
    ]
    if not applied:
        return scene.lacks("none")
    issued = [one.id for one in applied if one.state == _ISSUED]
    if not issued:
        return scene.lacks("waiting", application=applied[-1].id, state=applied[-1].state)
    return DONE if any(_HOST in _dns_names(scene, one) for one in issued) else scene.lacks("other-host", host=_HOST)


def plan_of_the_unit(scene: Scene) -> Outcome:
    """The unit's information-security plan is in force, and so was complete when it was approved."""
    unit = scene.workspace.provider(scene.cast.organisation("child-welfare"))
    if unit.plans.in_force(unit.organisation, _PLAN) is not None:
        return DONE
    versions = unit.plans.versions(unit.organisation, _PLAN)
    if not versions:
        return scene.lacks("not-begun")
    missing = [part for part in plan_kinds()[_PLAN].parts if part in versions[-1].missing]
    return scene.lacks("draft", parts=", ".join(missing)) if missing else scene.lacks("not-approved")


def renew_and_revoke(scene: Scene) -> Outcome:
    """Another certificate follows the old one, which is revoked because its key may be in strange hands."""
    office = scene.workspace.service_certificates
    old = office.application(scene.names["application"])
    following = [one for one in office.applications(organisation=old.organisation) if one.renewal_of == old.id]
    if not any(one.state == _ISSUED for one in following):
        return scene.lacks("not-renewed")
    if old.state != _REVOKED:
        return scene.lacks("old-lives")
    if old.revocation_reason != _DISCLOSED:
        return scene.lacks("wrong-reason", reason=old.revocation_reason)
    return DONE


def _dns_names(scene: Scene, application: str) -> list[str]:
    certificate = scene.workspace.service_certificates.collect(application).certificate
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return names.get_values_for_type(x509.DNSName)
