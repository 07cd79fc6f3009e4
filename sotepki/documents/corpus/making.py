"""Making a document of the corpus: its base, changed by its steps one after the other."""

from __future__ import annotations

from typing import Any

from sotepki.documents.corpus.catalogue import Entry
from sotepki.documents.corpus.source_steps import SOURCE_STEPS
from sotepki.documents.corpus.tree_steps import TREE_STEPS
from sotepki.documents.corpus.world import CorpusWorld
from sotepki.errors import Fault


def made_document(entry: Entry, world: CorpusWorld) -> bytes:
    """The document of an entry.

    Raises:
        Fault: the catalogue names an unknown base or step, or a step finds nothing to change.
    """
    if entry.base not in world.bases:
        raise Fault(f"The entry {entry.id} begins with {entry.base}, which is no base document.")
    data = world.bases[entry.base]
    for name, arguments in entry.steps:
        data = _taken(entry.id, name, arguments, data, world)
    return data


def _taken(entry_id: str, name: str, arguments: Any, data: bytes, world: CorpusWorld) -> bytes:
    step = SOURCE_STEPS.get(name) or TREE_STEPS.get(name)
    if step is None:
        raise Fault(f"The entry {entry_id} has the step {name}, which is not known.")
    try:
        changed = step(data, arguments, world)
    except (LookupError, TypeError, ValueError) as error:
        raise Fault(f"The step {name} of {entry_id} cannot be taken: {error}.") from None
    if changed == data:
        raise Fault(f"The step {name} of {entry_id} changes nothing.")
    return changed
