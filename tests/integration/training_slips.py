"""What somebody does instead of the solution of an exercise, and what its check is to say of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sotepki.journey import load_cast
from sotepki.journey.card_holder import passport
from sotepki.training import task
from sotepki.training.exercise import judge
from sotepki.workspace import Workspace


@dataclass(frozen=True)
class Slip:
    """A way that is not the solution, and the key of the sentence that the trainee is to hear; empty: it is done.

    Attributes:
        does: Python that is run first; as a solution, it may set ``answer``.
        hands_in: the answer, unless the code sets one.
        instead: the solution is run after ``does``, with the first text replaced by the second.
    """

    task: str
    hears: str
    does: str = ""
    hands_in: Any = None
    instead: tuple[str, str] | None = None


def heard(slip: Slip, workspace: Workspace) -> str:
    """What somebody hears who slips in a workspace: the key of the sentence, empty if it is done."""
    exercise = task(slip.task, workspace)
    assert exercise.scene is not None, exercise.trouble
    program = slip.does
    if slip.instead is not None:
        assert slip.instead[0] in exercise.task.solution, "the solution has another text by now"
        program += "\n" + exercise.task.solution.replace(*slip.instead)
    names: dict[str, Any] = {
        "workspace": workspace, "cast": load_cast(), "scene": exercise.scene.names, "passport": passport,
        "answer": slip.hands_in,
    }  # fmt: skip
    exec(compile(program, slip.task, "exec"), names)
    judged = judge(replace(exercise.scene, answer=names["answer"]))
    assert judged.done == (not judged.lacking) == bool(exercise.check(names["answer"])), "the trainee sees it too"
    return judged.lacking
