"""What the code of a notebook says in the reader's language: ``texts/*.yaml``, a phrase with every language a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from string import Formatter

from sotepki.errors import Misuse
from sotepki.evidence import load_yaml, refuse_unknown_keys
from sotepki.training.showing import states

TEXTS = Path(__file__).resolve().parent / "texts"
LANGUAGES = ("en", "fi", "sv")
SHARED = "shared"

Speaker = Callable[..., str]


def speaker(notebook: str, language: str) -> Speaker:
    """A function that gives a phrase by its id, with its fields filled in.

    ``texts/shared.yaml`` counts as well, and so does ``state-X`` for every state that the training has words for.

    Raises:
        Misuse: there is no such language, no such phrase, or the phrase is not whole.
    """
    if language not in LANGUAGES:
        raise Misuse(f"There are no phrases in {language!r}.", advice=f"Choose one of: {', '.join(LANGUAGES)}.")
    told = {f"state-{state}": words for state, words in states().items()}
    known = {**told, **phrases(SHARED), **(phrases(notebook) if notebook != SHARED else {})}

    def say(phrase: str, /, **fields: object) -> str:
        if phrase not in known:
            raise Misuse(f"The notebook {notebook} has no phrase {phrase!r}.", advice=f"See {TEXTS.name}/.")
        return known[phrase][language].format(**fields)

    return say


@cache
def phrases(name: str) -> Mapping[str, Mapping[str, str]]:
    """The phrases of a file, by id and language; each has every language and the same fields in all.

    Raises:
        Fault: the file is not readable, or a language is lacking or unknown, or the fields differ.
    """
    found = load_yaml(TEXTS / f"{name}.yaml")
    for phrase, texts in found.items():
        where = f"{name}.yaml, phrase {phrase}"
        refuse_unknown_keys(texts, set(LANGUAGES), where)
        lacking = [language for language in LANGUAGES if not str(texts.get(language, "")).strip()]
        if lacking:
            raise Misuse(f"{where}: there is no text in {', '.join(lacking)}.")
        if len({_fields(str(texts[language])) for language in LANGUAGES}) > 1:
            raise Misuse(f"{where}: the languages have different fields in braces.")
    return {str(phrase): {key: str(text) for key, text in texts.items()} for phrase, texts in found.items()}


def _fields(text: str) -> frozenset[str]:
    return frozenset(field for _text, field, _spec, _conversion in Formatter().parse(text) if field is not None)
