"""A service provider or pharmacy: access rights of its staff, sweeps, plans, and what it needs to join Kanta."""

from sotepki.provider.access import Access, AccessRights, Sweep
from sotepki.provider.attribute_client import AttributeClient
from sotepki.provider.books import MODEL, Arrangement, Books, SupportContact
from sotepki.provider.join_lists import JoinList, join_data
from sotepki.provider.joining import InformationSystem, Joining, JoiningFacts, Prerequisite, Readiness
from sotepki.provider.office import Provider
from sotepki.provider.schedule import Schedule, SweepSchedule
from sotepki.provider.staff_rights import AskedRegister, RightInForce, StaffRights, Standing, Unanswered
from sotepki.provider.task_list import Obstacle, Task, provider_rules, tasks

__all__ = [
    "MODEL",
    "Access",
    "AccessRights",
    "Arrangement",
    "AskedRegister",
    "AttributeClient",
    "Books",
    "InformationSystem",
    "JoinList",
    "Joining",
    "JoiningFacts",
    "Obstacle",
    "Prerequisite",
    "Provider",
    "Readiness",
    "RightInForce",
    "Schedule",
    "StaffRights",
    "Standing",
    "SupportContact",
    "Sweep",
    "SweepSchedule",
    "Task",
    "Unanswered",
    "join_data",
    "provider_rules",
    "tasks",
]
