"""A provider's plans for information security and self-monitoring: their parts, versions and reviews."""

from sotepki.provider.plans.data import Part, PlanKind, plan_kinds, plan_machine, plan_rules
from sotepki.provider.plans.office import Plan, Plans, PlanState, Role

__all__ = [
    "Part",
    "Plan",
    "PlanKind",
    "PlanState",
    "Plans",
    "Role",
    "plan_kinds",
    "plan_machine",
    "plan_rules",
]
