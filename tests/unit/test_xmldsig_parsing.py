"""The hardened parser: whatever bytes come, a tree or one sentence with a rule, at once."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sotepki.errors import Refused
from sotepki.xmldsig import XmlLimits, parse, path_of, read_xml, rules


def refused(data: bytes, limits: XmlLimits | None = None) -> str:
    """The rule that refuses ``data``."""
    with pytest.raises(Refused) as caught:
        read_xml(data, limits or XmlLimits())
    assert caught.value.rule in rules().rules, "a refusal must cite a rule of the rule book"
    return caught.value.rule


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "xml.empty"),
        (b" \n\t ", "xml.empty"),
        (b"\x00" * 5000, "xml.empty"),
        (b"PK\x03\x04 a zip file", "xml.not-well-formed"),
        (b"%PDF-1.7", "xml.not-well-formed"),
        (b"<a><b></a>", "xml.not-well-formed"),
        (b"<a", "xml.not-well-formed"),
        (b"<p:a/>", "xml.not-well-formed"),
        (b"<a>&unknown;</a>", "xml.not-well-formed"),
        (b"<a/><b/>", "xml.not-well-formed"),
        (b"<!-- never ends <a/>", "xml.not-well-formed"),
        ("<a/>".encode("utf-16"), "xml.encoding"),
        ("<a/>".encode("utf-16-le"), "xml.encoding"),
        ("<a/>".encode("utf-32"), "xml.encoding"),
        (b'<?xml version="1.0" encoding="utf-7"?><a/>', "xml.encoding"),
        (b'<?xml version="1.0" encoding="utf-16"?><a/>', "xml.encoding"),
        (b"<a>\xff</a>", "xml.not-well-formed"),
        (b'<?xml version="1.0"' + b" " * 400 + b'encoding="utf-7"?><a>+AGE-</a>', "xml.not-well-formed"),
        (b'<!-- x --><?xml version="1.0" encoding="utf-7"?><a/>', "xml.not-well-formed"),
        (b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><a/>', "xml.dtd"),
        (b'<?xml version="1.0"?>\n<!-- x --><!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>', "xml.dtd"),
        (b'<a><b ID="x"/><c ID="x"/></a>', "xml.id.duplicate"),
        (b'<a><b ID="x"/><c Id="x"/></a>', "xml.id.duplicate"),
        (b'<a><b ID="x"/><c xml:id="x"/></a>', "xml.id.duplicate"),
        (b'<a><b ID="x"/><c ID=" x "/></a>', "xml.id.duplicate"),
        (b"<a>" * 101 + b"</a>" * 101, "xml.too-deep"),
        (b"<a>" * 10_000 + b"</a>" * 10_000, "xml.too-deep"),
        (b"<a>" * 50_000, "xml.too-deep"),
        (b"<a>" * 2_000 + b"</a>" * 2_000, "xml.too-deep"),
        (b"<a>" * 2_047 + b"</a>" * 2_047, "xml.too-deep"),
        (b"<a>" * 2_049 + b"</a>" * 2_049, "xml.too-deep"),
        (b"<a>" * 100_000 + b"</a>" * 100_000, "xml.too-deep"),
        (b"<a b=''>" * 2_000 + b"<a>" * 380_000 + b" " * 2**20, "xml.too-deep"),
    ],
)
def test_bytes_that_are_no_safe_document_are_refused_by_rule(data: bytes, rule: str) -> None:
    """A user who sends the wrong file learns which rule it breaks; a hostile file reaches no parser feature."""
    assert refused(data) == rule


def test_an_entity_bomb_is_refused_before_it_is_expanded() -> None:
    """Without this, ten lines of XML fill the memory of the machine."""
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    begin = time.monotonic()
    assert refused(f'<!DOCTYPE a [<!ENTITY e0 "x">{entities}]><a b="&e11;">&e11;</a>'.encode()) == "xml.dtd"
    assert time.monotonic() - begin < 1


def test_size_and_number_of_nodes_are_bounded() -> None:
    """A 50 MB file or five million elements must cost neither minutes nor gigabytes."""
    begin = time.monotonic()
    assert refused(b"<a>" + b"x" * 50_000_000 + b"</a>") == "xml.too-large"
    assert refused(b"<a>" + b"<b/>" * 500_000 + b"</a>") == "xml.too-many-nodes"
    assert refused(b"<a>" + b"x" * 30 + b"</a>", XmlLimits(size=20)) == "xml.too-large"
    with pytest.raises(Refused):
        parse(b"<a>" + b"x" * 30 + b"</a>", limit=20)
    assert time.monotonic() - begin < 2


_MOST = XmlLimits().size


@pytest.mark.parametrize(
    "make",
    [
        lambda: b"<a>" + b"x" * (_MOST - 7) + b"</a>",
        lambda: b"<a>" + b"&amp;" * 4_000_000 + b"</a>",
        lambda: b"<a><![CDATA[" + b"x" * 20_000_000 + b"]]></a>",
        lambda: b'<a b="' + b"\n" * (_MOST - 9) + b'"/>',
        lambda: b'<a xmlns="urn:' + b"x" * 20_000_000 + b'"/>',
        lambda: b"<a" + b"".join(b' b%x=""' % n for n in range(390_000)) + b"/>",
        lambda: b"<a" + b"".join(b' xmlns:b%x="urn:%x"' % (n, n) for n in range(390_000)) + b"/>",
        lambda: b"<a>" + b"".join(b"<b%x/>" % n for n in range(390_000)) + b"</a>",
        lambda: b"<a>" + b"".join(b"<b%x%s/>" % (n, b"x" * 5000) for n in range(4_000)) + b"</a>",
    ],
    ids=["text", "references", "CDATA", "attribute", "name", "attributes", "declarations", "elements", "long names"],
)
def test_up_to_the_limit_any_shape_of_a_document_is_read_at_once(make: Callable[[], bytes]) -> None:
    """A scanned enclosure of 10 MB in one text was called not well-formed, with 20 MiB promised."""
    data = make()
    begin = time.process_time()
    assert parse(data).tag.endswith("a")
    assert time.process_time() - begin < 3


def test_depth_up_to_the_limit_is_read() -> None:
    """Real documents are nested far less, and those must not be refused."""
    assert parse(b"<a>" * 100 + b"</a>" * 100).tag == "a"


def test_comments_and_cdata_cannot_split_a_text() -> None:
    """A reader of ``.text`` must see what was signed, not the part before a comment."""
    root = parse(b"<a>2026<!-- x -->-03<![CDATA[-01]]></a>")
    assert root.text == "2026-03-01"


def test_a_byte_order_mark_and_a_latin_declaration_are_read() -> None:
    """Old systems write ISO-8859-1 and some editors add a byte order mark; both are legal XML."""
    assert parse(b"\xef\xbb\xbf<?xml version='1.0' encoding='UTF-8'?><a>\xc3\xa4</a>").text == "ä"
    document = read_xml(b"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe4</a>")
    assert (document.root.text, document.encoding) == ("ä", "iso-8859-1")


def test_a_path_names_elements_as_people_do() -> None:
    """A finding has to say where; positions only where there is a choice."""
    root = parse(b'<x:a xmlns:x="urn:x"><b/><b><c/></b></x:a>')
    assert path_of(root[1][0]) == "/a/b[2]/c"


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Nothing but ``Refused`` may come out of the parser."""
    try:
        read_xml(data)
    except Refused as refusal:
        assert refusal.rule in rules().rules


@given(st.text(alphabet='<>/!?-[]&;ab" =\nID', max_size=120))
def test_any_markup_is_read_or_refused(text: str) -> None:
    """The same for texts that look like XML, which reach deeper."""
    try:
        read_xml(text.encode())
    except Refused as refusal:
        assert refusal.rule in rules().rules
