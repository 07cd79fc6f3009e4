"""Offsets in the source: the right tag is found whatever stands around it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sotepki.errors import Refused
from sotepki.xmldsig import before_end_tag, before_start_tag, empty_element_span, read_xml, spliced

NOISE = st.sampled_from(
    ["", "x", "<!-- </b> <b> -->", "<![CDATA[</b>]]>", "<b2/>", "<c><b>i</b></c>", "<?p </b>?>", "ä"]
)


@given(NOISE, NOISE, NOISE, st.sampled_from(["<b>", "<b >", "<b i='>/'>"]), st.sampled_from(["</b>", "</b\n>"]),
       st.sampled_from(["utf-8", "UTF8", "iso-8859-1", "latin1", "ISO-8859-15"]), st.booleans())  # fmt: skip
def test_text_goes_to_the_end_of_the_very_element(
    before: str, inside: str, after: str, start: str, end: str, encoding: str, mark: bool
) -> None:
    """A signature in the wrong element, in a comment or in a text would break the document."""
    declaration = f"<?xml version='1.0' encoding='{encoding}'?>"
    data = f"{declaration}<a>{before}{start}{inside}{end}{after}</a>".encode(encoding)
    if mark and encoding.lower().startswith("utf"):
        data = b"\xef\xbb\xbf" + data
    document = read_xml(data)
    (element,) = document.root.findall("b")
    place = before_end_tag(document, element)
    assert data[place:].startswith(b"</b")
    changed = read_xml(spliced(data, [(place, place, b"<new/>")]))
    (again,) = changed.root.findall("b")
    assert again[-1].tag == "new"
    assert data[before_start_tag(document, element) :].startswith(b"<b")


@pytest.mark.parametrize(
    "data", [b"<a><b/></a>", b"<a><b /></a>", b"<a><b c='/>'/>x</a>", b"<a><!-- <b/> --><b/></a>"]
)
def test_an_empty_element_tag_has_no_inside_but_a_span(data: bytes) -> None:
    """The end tag of the parent must not be taken for that of an element which has none."""
    document = read_xml(data)
    element = document.root.findall("b")[0]
    with pytest.raises(Refused):
        before_end_tag(document, element)
    span = empty_element_span(document, element)
    assert span is not None
    assert read_xml(spliced(data, [(*span, b"<b>new</b>")])).root.findtext("b") == "new"


def test_an_element_with_both_tags_is_not_empty() -> None:
    """``<b></b>`` can be filled; only ``<b/>`` has to be replaced."""
    document = read_xml(b"<a><b></b></a>")
    assert empty_element_span(document, document.root[0]) is None
