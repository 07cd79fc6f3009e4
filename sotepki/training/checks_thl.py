"""Whether the tasks about THL's registers and the ministry's figures are done."""

from __future__ import annotations

from sotepki.identifiers import Oid, organisation_oid
from sotepki.ministry import collect
from sotepki.training.scene import DONE, Outcome, Scene

_UNIT = 4100
_UNIT_NAME = "Fiktivnäs tandklinik TEST"
_SIGNATURE_TYPES = Oid("1.2.246.537.5.40127.2006")
_FORMER = "TEST-1"
_CODE, _CODE_NAME = "90", "Testiallekirjoitus"


def unit_entered(scene: Scene) -> Outcome:
    """The county's new unit is in the register, under its own number and below its county."""
    thl = scene.workspace.thl
    county = thl.organisation(scene.cast.organisation("coast"))
    oid = organisation_oid(county.business_id, _UNIT) if county else None
    found = thl.organisation(oid) if oid else None
    if county is None or found is None:
        return scene.lacks("no-unit", oid=oid)
    if found.name != _UNIT_NAME:
        return scene.lacks("other-name", name=found.name[:80])
    if found.parent != county.oid:
        return scene.lacks("no-parent")
    return DONE if found.public else scene.lacks("private")


def code_added(scene: Scene) -> Outcome:
    """The newest version of the list has the code, and the former version is untouched."""
    thl = scene.workspace.thl
    former, newest = thl.codes(_SIGNATURE_TYPES, _FORMER), thl.codes(_SIGNATURE_TYPES)
    if former.code(_CODE) is not None:
        return scene.lacks("former-gone", version=_FORMER)
    added = newest.code(_CODE)
    if added is None:
        return scene.lacks("no-code", version=newest.version)
    if added.name_fi != _CODE_NAME:
        return scene.lacks("other-name", name=added.name_fi[:80])
    if not {one.code for one in former.codes} <= {one.code for one in newest.codes}:
        return scene.lacks("codes-lost", version=newest.version)
    return DONE


def minister_answered(scene: Scene) -> Outcome:
    """The number is that of the rights in force without those that are restricted."""
    if not scene.said().isdecimal():
        return scene.lacks("no-answer")
    said, rights = int(scene.said()), collect(scene.workspace.records).rights
    in_force, restricted = int(rights["in_force"].sum()), int(rights["restricted"].sum())
    if said == in_force - restricted:
        return DONE
    if said == in_force:
        return scene.lacks("with-restricted")
    return scene.lacks("people") if said == scene.workspace.valvira.count() else scene.lacks("wrong", answer=said)
