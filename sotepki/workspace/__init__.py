"""One open workspace: database, tokens, clock and the offices, wired together."""

from sotepki.workspace.directory import INCOMPLETE, SETTINGS
from sotepki.workspace.workspace import Workspace, upgrade

__all__ = ["INCOMPLETE", "SETTINGS", "Workspace", "upgrade"]
