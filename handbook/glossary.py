"""The glossary as a page: by subject, and by the Finnish and the Swedish word, which a reader meets on a form."""

from __future__ import annotations

from collections.abc import Iterator

from notebooks.glossary import LANGUAGES, SEEN, alphabetical, load_glossary, sections


def page() -> str:
    """The page of the handbook, from the table in docs/field/README.md.

    Raises:
        Fault: the table is not of its form.
    """
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    terms = load_glossary()
    yield "# Glossary: English, suomi, svenska\n"
    yield (
        f"{len(terms)} terms, from [the facts](field/README.md). A form with {SEEN} was seen on an authority's page "
        "in that language; the others are ordinary translations.\n"
    )
    for section, members in sections(terms).items():
        yield f"## {section}\n\n| English | suomi | svenska |\n|---|---|---|"
        yield from (f"| {' | '.join(term.in_language(language) for language in LANGUAGES)} |" for term in members)
        yield ""
    for title, name, language in (
        ("Suomesta englanniksi", "suomi", "fi"),
        ("Från svenska till engelska", "svenska", "sv"),
    ):
        yield f"## {title}\n\n| {name} | English |\n|---|---|"
        yield from (
            f"| {term.in_language(language)} | {term.words['en']} |" for term in alphabetical(terms, language)
        )
        yield ""
