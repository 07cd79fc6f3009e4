"""Frames against the documents that they carry, and the fixed parts of a frame."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import partial

from conformance.bench.documents_compared import body_size
from conformance.bench.documents_framed import FIXED, STATES, USAGE, created, fixed_code, identity_codes
from conformance.cases.frames import judge
from conformance.check import Check
from conformance.declaring import Area, case
from conformance.judging import FrameUnderTest
from conformance.requirements import Phase
from sotepki.clock import Clock
from sotepki.errors import Refused
from sotepki.identifiers import Hetu

Frames = tuple[FrameUnderTest, ...]

frame_case = partial(case, area=Area.FRAMES, phase=Phase.SUPPLIER)
_SKEW = timedelta(minutes=5)
_SECOND = timedelta(seconds=1)


@frame_case(
    "frame.version",
    title="The frame has the version number of the document",
    requirements=["frame.version"],
    mutants=["framer-counts-versions-itself"],
)
def version(frames: Frames, check: Check) -> None:
    """The version number in the frame is compared with that of the document inside.

    Kanta files the document by what the frame says. A right system fills the frame from the document.
    """
    judge(check, frames, "frame.version")


@frame_case(
    "frame.custodian",
    title="The frame has the custodian of the document",
    requirements=["frame.custodian"],
    mutants=["framer-names-the-vendor-as-custodian"],
)
def custodian(frames: Frames, check: Check) -> None:
    """The organisation that keeps the document is compared in frame and document.

    It decides to whose register the document belongs. A right system writes the same OID in both.
    """
    judge(check, frames, "frame.custodian")


@frame_case(
    "frame.client",
    title="The frame is about the client of the document",
    requirements=["frame.client"],
    mutants=["framer-names-another-client", "framer-names-a-real-client"],
)
def client(frames: Frames, check: Check) -> None:
    """The identity codes in recordTarget are compared in frame and document.

    A document under another client's code is shown to the wrong person. A right system fills the frame from the
    document.
    """
    judge(check, frames, "frame.client")


@frame_case(
    "frame.test-identities",
    title="The frame names test persons only",
    requirements=["frame.test-identities"],
    mutants=["framer-names-a-real-client", "framer-titles-with-a-real-code", "signer-writes-real-identity-code"],
)
def test_identities(frames: Frames, check: Check) -> None:
    """Identity codes anywhere in the frame, outside the document, are of the 900-series.

    Kela gives out codes of this series for testing, and other codes could belong to somebody. They are masked in this
    report.
    """
    for frame in _readable(frames, check):
        wrong = [code for code in identity_codes(frame.content) if not _is_for_tests(code)]
        check.that(
            "frame.test-identities",
            not wrong,
            "The frame names somebody who is no test person.",
            subject=frame.name,
            expected="individual numbers of 900 to 999",
            found=f"{len(wrong)} other codes",
        )
        _show(frame, check)


@frame_case(
    "frame.author",
    title="The frame has the authors of the document",
    requirements=["frame.author"],
    mutants=["framer-names-another-author"],
)
def author(frames: Frames, check: Check) -> None:
    """The registration numbers of the authors are compared in frame and document.

    A right system fills the frame from the document, also when another professional sends it.
    """
    judge(check, frames, "frame.author")


@frame_case(
    "frame.author-signer",
    title="The professional who signed is an author of the frame",
    requirements=["frame.author-signer"],
    mutants=["framer-names-another-author", "signer-names-another-professional"],
)
def author_signer(frames: Frames, check: Check) -> None:
    """The registration number in the signer's certificate is looked for among the frame's authors.

    The rule is inferred from the document, where number and certificate must agree, so a difference only warns.
    """
    judge(check, frames, "frame.author-signer")


@frame_case(
    "frame.register",
    title="The frame names no other register than the document",
    requirements=["frame.register"],
    mutants=["framer-names-another-register"],
)
def register(frames: Frames, check: Check) -> None:
    """If the frame names a register, it is compared with the document's registryType.

    No known frame names one, and none is asked for; a contradiction only warns.
    """
    judge(check, frames, "frame.register")


@frame_case(
    "frame.receiver",
    title="The frame is addressed to Kanta",
    requirements=["frame.receiver"],
    mutants=["framer-addresses-itself"],
)
def receiver(frames: Frames, check: Check) -> None:
    """receiver/device/id is 1.2.246.556.18007.2, as in the known messages.

    The address of a test environment may differ and would be told by Kela, so another one only warns.
    """
    judge(check, frames, "frame.receiver")


@frame_case(
    "frame.codes",
    title="The frame has the fixed codes of the known messages",
    requirements=["frame.codes"],
    mutants=["framer-says-production"],
)
def codes(frames: Frames, check: Check) -> None:
    """Processing code, mode, acknowledgement, trigger and priority are compared with the known messages.

    They tell the receiver how to treat the message, and were observed in a few messages only; so a difference warns.
    """
    _fixed(frames, check, "frame.codes", FIXED)


@frame_case(
    "frame.usage-situation",
    title="The frame names the usage situation",
    requirements=["frame.usage"],
    mutants=["framer-leaves-out-the-usage-situation"],
)
def usage_situation(frames: Frames, check: Check) -> None:
    """A second reason code, of 1.2.246.537.6.1289.201901, says in what situation the register is used.

    Code 1 is use of one's own register. The code was observed in the known messages, so its absence only warns.
    """
    _fixed(frames, check, "frame.usage", USAGE)


@frame_case(
    "frame.states",
    title="The frame names completion and storage of the document",
    requirements=["frame.states"],
    mutants=["framer-leaves-out-the-storage-code"],
)
def states(frames: Frames, check: Check) -> None:
    """completionCode is LA and storageCode AC, each with its code system, as in the known messages.

    They say that the document is finished and to be archived. Observed only, so a difference warns.
    """
    _fixed(frames, check, "frame.states", STATES)


@frame_case(
    "frame.creation-time",
    title="The frame was created after the signature and not in the future",
    requirements=["frame.created"],
    mutants=["framer-lives-in-yesterday", "signer-timestamp-in-the-future", "signer-clock-is-fast"],
)
def creation_time(frames: Frames, clock: Clock, check: Check) -> None:
    """creationTime is read and held against the signature timestamps of the document inside and our clock.

    A frame that is older than what it carries shows a clock that is wrong, or a template that was not filled. The
    rule is inferred, so this only warns.
    """
    for frame in _readable(frames, check):
        moment = created(frame.content)
        signed = [s.time for s in (frame.report.signatures if frame.report else ()) if s.time]
        # creationTime has whole seconds, timestamps have fractions.
        plausible = moment is not None and moment <= clock.now() + _SKEW
        check.that(
            "frame.created",
            plausible and all(moment > time - _SECOND for time in signed if moment),
            "The creation time of the frame does not fit the document in it.",
            subject=frame.name,
            expected="after the signature, not in the future",
            found=str(moment or "no time"),
        )
        _show(frame, check)


@frame_case(
    "frame.message-id",
    title="Each frame has a message id of its own",
    requirements=["frame.message-id"],
    mutants=["framer-takes-the-document-id", "framer-repeats-its-message-id"],
)
def message_id(frames: Frames, check: Check) -> None:
    """The message ids of all frames are compared with each other and with the ids of the documents.

    By its id an acknowledgement is told from that of another message, and a repeated message from a new one. A right
    system makes a new OID each time, or a new extension under one OID.
    """
    opened = [(frame, frame.frame) for frame in _readable(frames, check) if frame.frame]
    seen = Counter(inner.message_key for _, inner in opened)
    for frame, inner in opened:
        own = inner.message_key
        check.that(
            "frame.message-id",
            seen[own] == 1 and own != inner.document_id.value,
            "The message id of the frame is used for something else too.",
            subject=frame.name,
            expected="an id that nothing else bears",
            found=own,
        )
        _show(frame, check)


@frame_case(
    "frame.document-unchanged",
    title="The frame carries the document byte for byte",
    requirements=["frame.document-unchanged"],
    mutants=["framer-writes-the-document-anew", "framer-indents-the-document", "framer-cuts-large-documents"],
)
def document_unchanged(frames: Frames, large_frame: FrameUnderTest, check: Check) -> None:
    """The document in each frame is compared with the one that the system was given to frame.

    What is written anew may still verify today, and break with the next library. How a document is carried is not
    public, so a difference warns; whether it still verifies is the matter of another case.
    """
    asked = [frame for frame in (*_readable(frames, check), large_frame) if frame.given is not None]
    if not asked:
        check.skip("No frame was made on request, so there is nothing to compare with.")
    for frame in asked:
        carried = frame.frame.document if frame.frame else b""
        check.that(
            "frame.document-unchanged",
            carried == frame.given,
            "The document in the frame is not the one that was given, byte for byte.",
            subject=frame.name,
            expected=f"{len(frame.given or b'')} bytes",
            found=f"{len(carried)} bytes",
        )
        _show(frame, check)


@frame_case(
    "frame.document-verifies",
    title="The signatures of the document in the frame verify",
    requirements=["frame.document-verifies"],
    mutants=[
        "framer-indents-the-document",
        "signer-changes-body-after-signing",
        "signer-pretty-prints-after-signing",
        "signer-system-corrupts-value",
        "signer-system-changes-timestamp",
        "signer-writes-der",
    ],
)
def document_verifies(frames: Frames, check: Check) -> None:
    """Digests and signature values of the document are computed anew as it comes out of the frame.

    A system may keep a sound document and send a broken one. A right system frames the bytes that were signed.
    """
    for frame in _readable(frames, check):
        check.rules("frame.document-verifies", frame.report.findings if frame.report else (), subject=frame.name)
        _show(frame, check)


@frame_case(
    "frame.correction",
    title="The frame of a corrected document names id, set id and version rightly",
    requirements=["frame.correction"],
    mutants=["framer-takes-the-id-for-the-set-id", "framer-counts-versions-itself", "framer-new-document-id",
             "framer-new-set-id"],
)  # fmt: skip
def correction(corrected_frame: FrameUnderTest, check: Check) -> None:
    """A corrected document is framed; its id is new, its set id that of the first version, its version 2.

    In a first version id and set id are equal, so a system that takes one for the other is found out here only. A
    right system fills the frame from the document.
    """
    judge(check, (corrected_frame,), "frame.correction")


@frame_case(
    "frame.size",
    title="A document of a million bytes is framed whole",
    requirements=["frame.size"],
    mutants=["framer-cuts-large-documents"],
)
def size(large_frame: FrameUnderTest, check: Check) -> None:
    """A signed document of about a million bytes is given to the system to frame.

    Plans of many pages and embedded attachments are of this size. No limit is public, so a system that cannot do it
    only gets a warning; one that cuts the document off loses it.
    """
    (readable,) = _readable((large_frame,), check)
    given, carried = readable.given or b"", readable.frame.document if readable.frame else b""
    check.show("size of the document", f"{len(given)} bytes given, {len(carried)} bytes in the frame")
    check.that(
        "frame.size",
        body_size(carried) >= body_size(given),
        "The frame does not carry the whole document.",
        expected=f"a body of {body_size(given)} bytes",
        found=f"a body of {body_size(carried)} bytes",
    )


def _fixed(frames: Frames, check: Check, requirement: str, codes: dict[str, str]) -> None:
    for frame in _readable(frames, check):
        for path, expected in codes.items():
            found = fixed_code(frame.content, path)
            check.that(
                requirement,
                found == expected,
                f"{path} is not what the known messages have.",
                subject=frame.name,
                expected=expected,
                found=found or "none",
            )
        _show(frame, check)


def _is_for_tests(code: str) -> bool:
    try:
        Hetu.parse(code)
    except Refused:
        return False
    return True


def _readable(frames: Frames, check: Check) -> Frames:
    found = tuple(frame for frame in frames if frame.frame is not None)
    if not found:
        check.skip("No frame can be read; see the case frame.form.")
    return found


def _show(frame: FrameUnderTest, check: Check) -> None:
    check.show(frame.name, frame.content, "application/xml")
