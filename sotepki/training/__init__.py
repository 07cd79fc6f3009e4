"""Training: exercises with checks for the notebooks, the table of a class, and the course for registrars.

A task is data (``tasks/*.yaml``): situation, question, hints, explanation, what the fact rests on, the name of a
check (``checks_*.py``) that looks at the workspace after the trainee's actions, and a solution that tests and the
notebook of solutions run.
"""

from sotepki.training.exercise import Exercise, task
from sotepki.training.scene import DONE, Outcome, Scene
from sotepki.training.sitting import Paper, exam
from sotepki.training.tasks import Task, all_tasks, find_task

__all__ = ["DONE", "Exercise", "Outcome", "Paper", "Scene", "Task", "all_tasks", "exam", "find_task", "task"]
