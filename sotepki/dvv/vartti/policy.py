"""Switches of Vartti, for training: what is not known or would take days can be set, and stands in the journal."""

from __future__ import annotations

from sotepki.dvv.vartti.data import vartti_data, vartti_rules
from sotepki.dvv.vartti.tables import PolicyRow
from sotepki.records import Records

REVOKE_ON_REMOVAL = "revoke-on-removal"
CODE_LETTER_DAYS = "code-letter-working-days"


class Policies:
    """The switches of a workspace."""

    def __init__(self, records: Records) -> None:
        self.records = records

    def value(self, name: str) -> str:
        """What a switch of ``vartti.yaml`` is set to."""
        default = vartti_data().policies[name].values[0]
        with self.records.look() as session:
            row = session.get(PolicyRow, name)
            return row.value if row else default

    def all(self) -> dict[str, str]:
        """Every switch and what it is set to."""
        return {name: self.value(name) for name in vartti_data().policies}

    def set(self, name: str, value: str, *, actor: str) -> None:
        """Set a switch.

        Raises:
            Refused: rule ``policy.value``: there is no such switch or value.
        """
        policy = vartti_data().policies.get(name)
        if policy is None or value not in policy.values:
            known = ", ".join(policy.values) if policy else ", ".join(vartti_data().policies)
            raise vartti_rules().refusal(
                "policy.value",
                f"{name[:40]!r} cannot be set to {value[:40]!r}; known are: {known}.",
                subject=name[:40],
            )
        with self.records.change(office="dvv", actor=actor) as tx:
            row = tx.session.get(PolicyRow, name)
            if row is None:
                tx.session.add(PolicyRow(name=name, value=value))
            else:
                row.value = value
            tx.session.flush()
            tx.journal("vartti.policy", name, value=value)
