"""Canonicalisation: the short way and libxml2 must give the same octets, and context must be kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from sotepki.errors import Refused
from sotepki.xmldsig import canonical_pieces, canonicalise, load_algorithms, parse
from sotepki.xmldsig.default_prefix import rendered_with_default

SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"


def by_libxml2(element: etree._Element) -> bytes:
    """Exclusive canonical form by libxml2 alone."""
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)


_TEXTS = st.text(
    alphabet=st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"),
    max_size=12,
).map(lambda text: text + "") | st.sampled_from(["&<>\"'", "\n  ", "\t\n", "ä €", ""])
_PREFIXES = st.sampled_from([None, "a", "b"])
_SPACES = st.sampled_from(["urn:1", "urn:2", "urn:3?a=1&b=2"])


@st.composite
def trees(draw: st.DrawFn, depth: int = 3) -> etree._Element:
    """Small trees with namespaces that are declared, used, repeated and overridden."""
    prefix, namespace = draw(_PREFIXES), draw(_SPACES)
    spaces = {prefix: namespace} | draw(st.dictionaries(st.sampled_from(["a", "b", "c"]), _SPACES, max_size=2))
    spaces[prefix] = namespace
    element = etree.Element(f"{{{namespace}}}{draw(st.sampled_from(['x', 'y', 'z']))}", nsmap=spaces)
    element.text = draw(_TEXTS)
    for name in draw(st.lists(st.sampled_from(["B", "Id", "b", "aa", "z.1"]), unique=True, max_size=3)):
        element.set(name, draw(_TEXTS))
    if draw(st.integers(0, 9)) == 0:
        element.set("{urn:1}q", "1")
    if depth:
        for child in draw(st.lists(trees(depth=depth - 1), max_size=2)):
            element.append(child)
            child.tail = draw(_TEXTS)
    return element


@given(trees())
def test_the_short_way_equals_libxml2(tree: etree._Element) -> None:
    """If the two differed for one tree, a digest of ours would fail in every other verifier."""
    root = etree.fromstring(etree.tostring(tree))
    for element in root.iter():
        assert canonicalise(element) == by_libxml2(element)
        method = load_algorithms().digests[SHA256]
        assert method.digest(*canonical_pieces(element)) == method.digest(by_libxml2(element))


def test_carriage_returns_and_references_are_kept_as_canonical_xml_wants() -> None:
    """CRLF in a source becomes LF; a written-out carriage return stays one."""
    root = parse(b'<a xmlns="urn:1" b="1&#13;&#9;&#10;&quot;">x\r\ny&#13;&amp;&lt;&gt;</a>')
    expected = b'<a xmlns="urn:1" b="1&#xD;&#x9;&#xA;&quot;">x\ny&#xD;&amp;&lt;&gt;</a>'
    assert canonicalise(root) == by_libxml2(root) == expected


def test_exclusive_form_does_not_depend_on_ancestors_and_inclusive_does() -> None:
    """A signed element that moves keeps its exclusive form; its inclusive form takes the context along."""
    inside = parse(b'<r xmlns:q="urn:q" xmlns="urn:1" xml:lang="fi"><a ID="1"><p:b xmlns:p="urn:p"/></a></r>')[0]
    alone = parse(b'<a xmlns="urn:1" ID="1"><p:b xmlns:p="urn:p"/></a>')
    assert canonicalise(inside) == canonicalise(alone)
    assert canonicalise(inside, exclusive=False) == (
        b'<a xmlns="urn:1" xmlns:q="urn:q" ID="1" xml:lang="fi"><p:b xmlns:p="urn:p"></p:b></a>'
    )


def test_an_unused_prefix_is_left_out_unless_it_is_listed() -> None:
    """A prefix used only inside a text (an XPath) is not rendered; the PrefixList brings it back."""
    element = parse(b'<r xmlns:h="urn:h"><a xmlns="urn:1">//h:b</a></r>')[0]
    assert canonicalise(element) == b'<a xmlns="urn:1">//h:b</a>'
    assert canonicalise(element, prefixes=("h",)) == b'<a xmlns="urn:1" xmlns:h="urn:h">//h:b</a>'


@pytest.mark.parametrize(
    ("source", "octets"),
    [
        ('<r xmlns="urn:d"><p:a xmlns:p="urn:p">1<p:b/></p:a></r>',
         '<p:a xmlns="urn:d" xmlns:p="urn:p">1<p:b></p:b></p:a>'),
        ('<r xmlns="urn:d"><p:a xmlns:p="urn:p"><p:b xmlns="urn:e"/><p:b/></p:a></r>',
         '<p:a xmlns="urn:d" xmlns:p="urn:p"><p:b xmlns="urn:e"></p:b><p:b></p:b></p:a>'),
        ('<r xmlns="urn:d"><p:a xmlns:p="urn:p"><p:b xmlns=""><c/></p:b></p:a></r>',
         '<p:a xmlns="urn:d" xmlns:p="urn:p"><p:b xmlns=""><c></c></p:b></p:a>'),
        ('<r><p:a xmlns:p="urn:p" p:z="1" b="&lt;&#13;&quot;">&amp;&gt;&#13;<?x  y?><b/></p:a></r>',
         '<p:a xmlns:p="urn:p" b="&lt;&#xD;&quot;" p:z="1">&amp;&gt;&#xD;<?x y?><b></b></p:a>'),
        ('<r xmlns="urn:d"><p:a xmlns:p="urn:p" xmlns:q="urn:p" p:z="1" q:b="2" xml:lang="fi"/></r>',
         '<p:a xmlns="urn:d" xmlns:p="urn:p" xmlns:q="urn:p" xml:lang="fi" q:b="2" p:z="1"></p:a>'),
    ],
)  # fmt: skip
def test_the_default_namespace_is_rendered_where_the_prefix_list_names_it(source: str, octets: str) -> None:
    """Else a good signature is called changed, and one that xmlsec1 refuses is called valid (W3C Exclusive C14N, 2.1:
    what the PrefixList names is rendered as Canonical XML does)."""
    assert canonicalise(parse(source.encode())[0], prefixes=("#default",)) == octets.encode()


@given(trees())
def test_with_every_prefix_listed_the_exclusive_form_is_the_inclusive_one(tree: etree._Element) -> None:
    """The default namespace too: libxml2 judges the form that is rendered here."""
    root = etree.fromstring(etree.tostring(tree))
    for element in root.iter():
        listed = ("#default", "unknown", *(prefix for one in root.iter() for prefix in one.nsmap if prefix))
        assert canonicalise(element, prefixes=listed) == canonicalise(element, exclusive=False)
        assert rendered_with_default(element, ()) == by_libxml2(element)


@pytest.mark.parametrize("name", ["urn:a?b&amp;c", "urn:'"])
def test_an_odd_namespace_name_is_written_as_libxml2_writes_it(name: str) -> None:
    """Whether ``#default`` is listed may not change how the rest is written."""
    source = f"<p:a xmlns:p='{name}'/>" if "'" not in name else f'<p:a xmlns:p="{name}"/>'
    element = parse(source.encode())
    assert rendered_with_default(element, ()) == by_libxml2(element)


def test_the_enveloped_transform_removes_the_signature_and_only_it() -> None:
    """The text after the signature belongs to the document and stays; the tree itself is not touched."""
    root = parse(b'<a xmlns="urn:1">1<b/>2<s><t/></s>3<c/>4</a>')
    assert canonicalise(root, without=root[1]) == b'<a xmlns="urn:1">1<b></b>23<c></c>4</a>'
    assert len(root) == 3
    assert canonicalise(root[0], without=root[1]) == b'<b xmlns="urn:1"></b>'


def test_a_relative_namespace_is_refused_and_not_a_crash() -> None:
    """Canonical XML forbids relative namespace names; libxml2 raises, and a verifier must not."""
    for exclusive in (True, False):
        with pytest.raises(Refused) as caught:
            canonicalise(parse(b'<a xmlns="relative"/>'), exclusive=exclusive)
        assert caught.value.rule == "dsig.canonicalisation"
    with pytest.raises(Refused, match="no canonical form"):
        canonicalise(parse(b'<a xmlns="relative"/>'), prefixes=("#default",))
