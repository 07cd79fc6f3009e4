"""A service provider or pharmacy: access rights of its staff, and what it needs to join the Kanta services."""

from sotepki.provider.access import Access, AccessRights, Sweep
from sotepki.provider.joining import InformationSystem, Joining, JoiningFacts, Prerequisite, Readiness
from sotepki.provider.office import Provider
from sotepki.provider.task_list import Obstacle, Task, provider_rules, tasks

__all__ = [
    "Access",
    "AccessRights",
    "InformationSystem",
    "Joining",
    "JoiningFacts",
    "Obstacle",
    "Prerequisite",
    "Provider",
    "Readiness",
    "Sweep",
    "Task",
    "provider_rules",
    "tasks",
]
