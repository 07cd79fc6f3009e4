"""The case catalogue: a page for each area of the suite, from the cases and requirements themselves."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.catalogue import catalogue
from conformance.declaring import Area, Case
from conformance.matrix import facets_of
from conformance.report.html import Messages
from conformance.report.translations import titles
from conformance.requirements import Requirement, requirements
from conformance.sut.mutants import mutants
from handbook.linking import rule_link

_WORDS = Messages("en")
_LANGUAGES = {"fi": "Suomeksi", "sv": "På svenska"}


def _title(area: Area) -> str:
    """What the report calls an area."""
    return _WORDS.plain(f"area.{area}")


def pages() -> Iterator[tuple[str, str]]:
    """File names below ``cases/`` with their text."""
    for area in Area:
        cases = [case for case in catalogue() if case.area is area]
        yield f"{area}.md", "\n".join(_area_page(area, cases))
    yield "requirements.md", "\n".join(_untested())
    yield "index.md", "\n".join(_index())


def _index() -> Iterator[str]:
    yield "# Case catalogue\n"
    yield (
        f"Made from the suite itself. {len(catalogue())} cases verify {len(requirements())} requirements, and "
        f"{len(mutants())} broken systems prove that the cases can fail ([the matrix](../conformance-matrix.md)). "
        "How to attach a system stands in [the conformance suite](../conformance.md); `sotepki conformance list` "
        "prints them, and chooses by area, phase, class and role.\n"
    )
    yield "| Area | Cases | Option of run |\n|---|---|---|"
    for area in Area:
        count = sum(case.area is area for case in catalogue())
        yield f"| [{_title(area)}]({area}.md) | {count} | `--area {area}` |"
    yield "\n```{toctree}\n:hidden:\n"
    yield from (str(area) for area in Area)
    yield "requirements\n```\n"


def _area_page(area: Area, cases: list[Case]) -> Iterator[str]:
    yield f"# {_title(area)}\n"
    yield f"{len(cases)} cases of the area `{area}`; what the words mean is said in [the suite](../conformance.md).\n"
    for case in cases:
        yield f"({case.id})=\n## {case.title}\n"
        yield f":Case: `{case.id}`, {case.phase}"
        yield from (f":{_LANGUAGES[code]}: {text}" for code, text in titles().get(case.id, {}).items())
        looked_at = ", ".join(f"`[{facet}]`" for facet in sorted(facets_of(case)))
        yield f":Looks at: {looked_at or 'the system as described'}"
        yield f":Catches: {', '.join(case.mutants)}\n"
        yield f"{case.description}\n"
        for requirement_id in case.requirements:
            yield from _requirement(requirements()[requirement_id])


def _requirement(requirement: Requirement) -> Iterator[str]:
    yield f"> **{requirement.level}**: {requirement.text}"
    if requirement.text_fi:
        yield f"> *{requirement.text_fi}*"
    actor = requirement.actor
    bound = f"{', '.join(actor.classes)}; {', '.join(actor.roles)}"
    yield f">\n> `{requirement.id}`: {requirement.grade}, {requirement.basis}; weighs at most {requirement.ceiling}."
    yield f"> Binds {bound}. Source: {requirement.source}."
    if requirement.rules:
        yield f"> Rules: {', '.join(map(rule_link, requirement.rules))}."
    if requirement.advice:
        yield f">\n> What to do: {requirement.advice}"
    yield ""


def _untested() -> Iterator[str]:
    yield "# Requirements that no case verifies\n"
    yield "A gap that is known is written down with its reason.\n"
    for requirement in requirements().values():
        if requirement.not_tested:
            yield f"## {requirement.id}\n\n{requirement.text}\n"
            yield f":Why not: {requirement.not_tested}"
            yield f":Source: {requirement.source} ({requirement.grade}, {requirement.basis})\n"
