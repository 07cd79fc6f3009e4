"""Message frames around documents."""

from __future__ import annotations

from conformance.check import Check
from conformance.declaring import Area, case
from conformance.judging import FrameUnderTest
from conformance.requirements import Phase
from sotepki.documents.family import families


@case(
    "frame.form",
    title="Frames can be read",
    area=Area.FRAMES,
    phase=Phase.PRE_TEST,
    requirements=["frame.form"],
    mutants=["framer-leaves-out-sender"],
)
def form(frames: tuple[FrameUnderTest, ...], check: Check) -> None:
    """Every frame is RCMR_IN200002FI01 with id, sender, one service request and the document inside."""
    for number, frame in enumerate(frames):
        met = check.rules("frame.form", frame.findings, subject=frame.name)
        if not met or number < _SHOWN:
            check.show(frame.name, frame.content, "application/xml")


@case(
    "frame.document-id",
    title="The frame names the document that it carries",
    area=Area.FRAMES,
    phase=Phase.SUPPLIER,
    requirements=["frame.document-id"],
    mutants=["framer-new-document-id", "framer-new-set-id"],
)
def document_id(frames: tuple[FrameUnderTest, ...], check: Check) -> None:
    """The document id and the set id in controlActProcess/subject are those of the document inside the frame."""
    judge(check, frames, "frame.document-id")


@case(
    "frame.sender",
    title="The frame is sent by the organisation that keeps the document",
    area=Area.FRAMES,
    phase=Phase.SUPPLIER,
    requirements=["frame.sender"],
    mutants=["framer-sender-of-vendor", "signer-system-uses-server-certificate"],
)
def sender(frames: tuple[FrameUnderTest, ...], check: Check) -> None:
    """sender/device/id is the OID of the document's custodian, not that of the vendor or of the data centre."""
    judge(check, frames, "frame.sender")


@case(
    "frame.interaction",
    title="The frame has the interaction of archiving",
    area=Area.FRAMES,
    phase=Phase.SUPPLIER,
    requirements=["frame.interaction"],
    mutants=["framer-other-interaction"],
)
def interaction(frames: tuple[FrameUnderTest, ...], check: Check) -> None:
    """interactionId is RCMR_IN200002FI01 under 2.16.840.1.113883.1.6, as the root element says too."""
    judge(check, frames, "frame.interaction")


@case(
    "frame.service-request",
    title="The frame names a known service request",
    area=Area.FRAMES,
    phase=Phase.SUPPLIER,
    requirements=["frame.service-request"],
    mutants=["framer-unknown-service-request"],
)
def service_request(frames: tuple[FrameUnderTest, ...], check: Check) -> None:
    """The first reason code is SP1 or SP17 of 1.2.246.537.6.1503.201601."""
    readable = [frame for frame in frames if frame.frame is not None]
    if not readable:
        check.skip("No frame can be read; see the case frame.form.")
    asking = [(frame, frame.frame) for frame in readable if frame.frame and _names_requests(frame.frame.name)]
    if not asking:
        check.skip("No frame is of a family whose frames name a service request.")
    for number, (frame, inner) in enumerate(asking):
        found = inner.service_request
        met = check.that(
            "frame.service-request",
            found in ("SP1", "SP17"),
            "The service request of the frame is not one that is known for archiving.",
            subject=frame.name,
            expected="SP1 or SP17",
            found=found,
        )
        if not met or number < _SHOWN:
            check.show(frame.name, frame.content, "application/xml")


def _names_requests(message: str) -> bool:
    """Whether a service request is known for a message; for those of health care none is."""
    rules = [family.frame for family in families().values()]
    return any(rule.requests for rule in rules if message in (rule.interaction, *rule.others))


_SHOWN = 2
"""How many frames without a finding a case shows; those with one are all shown."""


def judge(check: Check, frames: tuple[FrameUnderTest, ...], requirement: str) -> None:
    """Hold a requirement against the findings in each frame that can be read."""
    readable = [frame for frame in frames if frame.frame is not None]
    if not readable:
        check.skip("No frame can be read; see the case frame.form.")
    for number, frame in enumerate(readable):
        met = check.rules(requirement, frame.findings, subject=frame.name)
        if not met or number < _SHOWN:
            check.show(frame.name, frame.content, "application/xml")
