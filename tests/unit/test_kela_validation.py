"""The validation service against the archive of the same environment: nothing is valid that the archive refuses."""

from __future__ import annotations

import inspect
import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import click
import pytest
import yaml
from kela_world import KelaWorld, new_world

from sotepki.cli.kanta import frame as frame_command
from sotepki.documents import build_frame, open_frame
from sotepki.errors import Fault, Misuse
from sotepki.evidence import Verdict
from sotepki.identifiers import Oid
from sotepki.kela import AckCode, Kanta, ValidationService, load_environments, load_settings
from sotepki.kela.public_service import _Validation
from sotepki.kela.validation import ValidationRequest, read_plain
from sotepki.resources import package_file
from sotepki.services import usual_receiver
from sotepki.workspace import Workspace

OWN = Oid("1.2.246.556.18007.99")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KelaWorld]:
    world = new_world(tmp_path_factory.mktemp("world"))
    yield world
    world.records.database.close()


def _in(world: KelaWorld, environment: str) -> Kanta:
    settings = replace(load_environments()[environment].settings, memory_seconds=0)
    return replace(world.kanta(), settings=settings)


def _framed(world: KelaWorld, document: bytes, *, request: str = "SP17", **changes: str) -> bytes:
    return build_frame(
        document,
        message_id=world.oid(),
        sender=world.organisation().oid,
        at=world.clock.now(),
        service_request=request,
        **changes,
    )


def _shark(document: bytes, frame: bytes) -> bytes:
    row = {"messageId": str(uuid.uuid4()), "palveluPyynto": "", "level": "1"}
    return json.dumps(row | {"siirtokehysXml": frame.decode(), "asiakirjaXml": document.decode()}).encode()


def _without_relation(world: KelaWorld) -> bytes:
    """A second version that does not say what it replaces; its header is not signed."""
    return re.sub(rb'(<versionNumber value=")1"', rb'\g<1>2"', world.system_signed())


@pytest.mark.parametrize(
    ("environment", "rule"),
    [
        ("current", "kanta.version.relation"),
        ("next", "frame.receiver"),
        ("next", "kanta.message.service-request"),
        ("next", "kanta.message.usage"),
        ("current", "kanta.document.custodian-sender"),
        ("current", "frame.carriage"),
    ],
)
def test_what_the_archive_refuses_is_not_valid_and_is_described(
    world: KelaWorld, environment: str, rule: str
) -> None:
    """A vendor who validates first is told "valid", sends, and is refused."""
    document = _without_relation(world) if rule == "kanta.version.relation" else world.system_signed()
    match rule:
        case "frame.receiver":
            frame = _framed(world, document, receiver="1.2.3")
        case "kanta.message.service-request":
            frame = _framed(world, document, request="SP99")
        case "kanta.message.usage":
            frame = _framed(world, document).replace(b"1.2.246.537.6.1289.201901", b"1.2.246.537.6.1289.201902")
        case "kanta.document.custodian-sender":
            document = world.system_signed("pharmacy")
            frame = _framed(world, document)
        case "frame.carriage":
            frame = _framed(world, document).replace(b'representation="B64"', b'representation="TXT"')
        case _:
            frame = _framed(world, document)
    kanta = _in(world, environment)
    answer = kanta.archive(frame, world.client().certificate)
    assert not answer.accepted and rule in answer.rules
    report = ValidationService(kanta).validate(ValidationRequest(document, frame))
    assert report.verdict is Verdict.INVALID
    assert rule in report.as_dict()["refused_by"]
    shark = ValidationService(kanta).shark(_shark(document, frame))
    assert shark.status == 400 and f"[{rule}]" in shark.body.decode()


def test_a_warning_that_refuses_only_in_the_next_version_leaves_a_frame_valid_in_the_current_one(
    world: KelaWorld,
) -> None:
    """A vendor whose frame the current version takes would be told that it does not."""
    document = world.system_signed()
    frame = _framed(world, document, request="SP99")
    service = ValidationService(_in(world, "current"))
    report = service.validate(ValidationRequest(document, frame))
    assert (report.verdict, report.refused_by) == (Verdict.VALID, ())
    assert "kanta.message.service-request" in {finding.rule for finding in report.findings}
    assert service.shark(_shark(document, frame)).status == 200


def test_a_responder_that_does_not_answer_leaves_the_verdict_open(world: KelaWorld) -> None:
    """A vendor would look for a fault in a document of which only the revocation could not be asked."""

    def silent(*_: object) -> None:
        raise Fault("Nobody answers.")

    kanta = replace(_in(world, "current"), status=silent)  # type: ignore[arg-type]
    report = ValidationService(kanta).validate(ValidationRequest(world.system_signed()))
    assert report.verdict is Verdict.INDETERMINATE
    assert "kanta.document.status-unavailable" in report.as_dict()["refused_by"]


def test_bytes_that_cannot_be_read_are_neither_valid_nor_of_nobody(world: KelaWorld) -> None:
    """A vendor who drops the wrong file would be sent to look for a custodian in it."""
    report = ValidationService(_in(world, "current")).validate(ValidationRequest(b"\x00\xff" * 100))
    assert report.verdict is Verdict.INDETERMINATE
    assert "kanta.document.custodian-missing" not in {finding.rule for finding in report.findings}


def test_a_frame_of_health_care_is_opened(world: KelaWorld) -> None:
    """A vendor of a patient record system is told that its frame is no document."""
    document = world.system_signed()
    frame = _framed(world, document).replace(b"RCMR_IN200002FI01", b"RCMR_IN100002FI01")
    assert read_plain(frame) == ValidationRequest(document, frame)


def test_an_environment_judges_by_its_own_receiver(world: KelaWorld) -> None:
    """A vendor in an environment with a receiver of its own is refused for addressing it, and accepted otherwise."""
    refuses = load_settings().refuses_by_choice | {"frame.receiver"}
    kanta = replace(world.kanta(), settings=replace(load_settings(), receiver=OWN, refuses_by_choice=refuses))
    document, client = world.system_signed(), world.client().certificate
    refused = kanta.archive(_framed(world, document), client)
    assert (refused.code, refused.rules) == (AckCode.ERROR, ("frame.receiver",))
    assert refused.findings[0].expected == OWN.value
    good = _framed(world, document, receiver=OWN.value)
    assert ValidationService(kanta).validate(ValidationRequest(document, good)).findings == ()
    assert kanta.archive(good, client).code is AckCode.ACCEPTED


def test_a_frame_is_addressed_to_the_kanta_of_its_environment(world: KelaWorld, tmp_path: Path) -> None:
    """``sotepki kanta frame`` made messages that an environment with a receiver of its own refuses."""
    rows = yaml.safe_load(package_file("kela", "environments.yaml").read_text(encoding="utf-8"))
    rows["next"]["settings"]["receiver"] = OWN.value
    (tmp_path / "kanta-environments.yaml").write_text(yaml.safe_dump(rows), encoding="utf-8")
    (tmp_path / "signed.xml").write_bytes(world.system_signed())
    workspace, write = SimpleNamespace(directory=tmp_path, clock=world.clock), inspect.unwrap(frame_command.callback)
    fixed = {"sender": str(world.organisation().oid), "message_id": None, "service_request": "SP17"}
    with click.Context(frame_command) as context:
        context.meta["sotepki.output_format"] = "text"
        for environment, receiver in (("current", load_settings().receiver), ("next", OWN)):
            out = tmp_path / f"{environment}.xml"
            write(workspace, file=str(tmp_path / "signed.xml"), out=str(out), environment=environment, **fixed)
            assert open_frame(out.read_bytes()).receiver == receiver.value
        with pytest.raises(Misuse, match="no environment"):
            write(workspace, file=str(tmp_path / "signed.xml"), out="unwritten.xml", environment="nxet", **fixed)


def test_a_frame_needs_no_environment_of_a_certain_name(world: KelaWorld, tmp_path: Path) -> None:
    """In a workspace with environments of other names, ``sotepki kanta frame`` wrote nothing any more."""
    rows = yaml.safe_load(package_file("kela", "environments.yaml").read_text(encoding="utf-8"))
    rows["current"]["settings"]["receiver"] = OWN.value
    (tmp_path / "signed.xml").write_bytes(world.system_signed())
    default = frame_command.make_context("frame", ["in", "out", "--sender", "1.2"]).params["environment"]
    write = inspect.unwrap(frame_command.callback)
    for here, receiver in ((("current", "next"), OWN), (("next",), load_settings().receiver)):
        workspace = cast(Workspace, SimpleNamespace(directory=tmp_path / "-".join(here), clock=world.clock))
        workspace.directory.mkdir()
        out = workspace.directory / "out.xml"
        content = yaml.safe_dump({name: rows[name] for name in here})
        (workspace.directory / "kanta-environments.yaml").write_text(content, encoding="utf-8")
        assert usual_receiver(workspace) == receiver.value
        with click.Context(frame_command) as context:
            context.meta["sotepki.output_format"] = "text"
            write(
                workspace, file=str(tmp_path / "signed.xml"), out=str(out), environment=default, message_id=None,
                sender=str(world.organisation().oid), service_request="SP17",
            )  # fmt: skip
        assert open_frame(out.read_bytes()).receiver == receiver.value


@pytest.mark.parametrize(
    ("good", "spoilt"), [(b'representation="B64"', b'representation="TXT"'), (b"sender", b"sendre")]
)
def test_a_frame_that_cannot_be_opened_is_refused_and_not_left_open(
    world: KelaWorld, good: bytes, spoilt: bytes
) -> None:
    """The page told a vendor that nothing refuses a message which the archive answers with AR."""
    frame = _framed(world, world.system_signed()).replace(good, spoilt)
    kanta = _in(world, "current")
    validation = _Validation(kanta, ValidationService(kanta))
    report = validation._judge(frame)
    assert report.verdict is Verdict.INVALID
    assert tuple(report.as_dict()["refused_by"]) == kanta.archive(frame, world.client().certificate).rules != ()
    unread = validation._judge(b"{no JSON")
    assert (unread.verdict, unread.refused_by) == (Verdict.INDETERMINATE, ())
