"""What training remembers: how far each trainee is with each task, and which scenes were prepared in a workspace."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from sotepki.records import Base, UtcDateTime


class ProgressRow(Base):
    """One trainee's work on one task.

    ``attempts`` counts checks until the task was done; ``lacking`` is the key of what the last check missed, empty
    when it missed nothing; ``explained`` says whether the explanation was read before the task was done.
    """

    __tablename__ = "training_progress"
    __table_args__ = (UniqueConstraint("trainee", "task"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    trainee: Mapped[str] = mapped_column(String(60), index=True)
    task: Mapped[str] = mapped_column(String(80))
    began_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    hints: Mapped[int] = mapped_column(default=0)
    explained: Mapped[bool] = mapped_column(default=False)
    lacking: Mapped[str] = mapped_column(String(80), default="")
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


BEGUN, BEGUN_AGAIN = '"begun"', '"begun again"'
"""In the place of names: a situation is being prepared, for the first time or after a run that was killed."""


class SceneRow(Base):
    """A task whose situation was prepared in this workspace; ``names`` is a JSON object of what its text names."""

    __tablename__ = "training_scene"

    task: Mapped[str] = mapped_column(String(80), primary_key=True)
    prepared_at: Mapped[datetime] = mapped_column(UtcDateTime)
    names: Mapped[str]
