"""The Ministry of Social Affairs and Health: overall figures of the offices, as tables and pictures.

It decides nothing and changes nothing. It reads the offices' books in one snapshot, only columns that are counted:
no name, no identity code and no registration number leaves the database.
"""

from sotepki.ministry.columns import COLUMNS
from sotepki.ministry.figures import Figures, collect

__all__ = ["COLUMNS", "Figures", "collect"]
