"""What a check looks at, and what it answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

from sqlalchemy import select

from sotepki.errors import Fault
from sotepki.journey import Cast
from sotepki.records import JournalEntry
from sotepki.training.showing import state_in_words
from sotepki.training.tasks import Task
from sotepki.workspace import Workspace


@dataclass(frozen=True)
class Outcome:
    """What a check found: done, or what is still missing as a sentence; ``lacking`` is the key of that sentence."""

    done: bool
    missing: str = ""
    lacking: str = ""


DONE = Outcome(done=True)


@dataclass(frozen=True)
class Scene:
    """A task in a workspace, as a check sees it after the trainee's actions.

    Attributes:
        names: what the preparation returned, such as the number of a card.
        answer: what the trainee handed in; None if nothing was.
    """

    task: Task
    workspace: Workspace
    cast: Cast
    language: str
    names: Mapping[str, str] = field(default_factory=dict)
    answer: Any = None

    def lacks(self, key: str, **values: object) -> Outcome:
        """Not done yet: the task's sentence ``key`` in the trainee's language, filled with ``values``.

        A ``state`` is told in words of that language.

        Raises:
            Fault: the task has no such sentence, or it has a place for a value that was not given.
        """
        if "state" in values:
            values["state"] = state_in_words(str(values["state"]), self.language)
        try:
            sentence = self.task.text(self.language).missing[key].format_map({**self.names, **values})
        except KeyError as error:
            raise Fault(f"The check of {self.task.id} has no sentence or value {error} for {key!r}.") from None
        return Outcome(done=False, missing=sentence, lacking=key)

    def refused(self, rule: str) -> bool:
        """Whether the workspace's journal tells of a refusal by a rule."""
        refusals = select(JournalEntry.details).where(JournalEntry.action == "refused")
        with self.workspace.records.look() as session:
            return any(json.loads(one).get("rule") == rule for one in session.scalars(refusals))

    def said(self, *, limit: int = 200) -> str:
        """A short answer in words, as it can be compared: lower-case, no blanks or quotes around it; or empty.

        A number may be one of a table's own, such as numpy's.
        """
        if isinstance(self.answer, bool) or not isinstance(self.answer, str | Real):
            return ""
        return " ".join(str(self.answer).lower().strip(" `'\".").split())[:limit]
