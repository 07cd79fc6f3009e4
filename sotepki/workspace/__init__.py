"""One open workspace: database, tokens, clock and the offices, wired together."""

from sotepki.workspace.directory import INCOMPLETE, SETTINGS
from sotepki.workspace.workspace import Workspace, founding_keys, upgrade

__all__ = ["INCOMPLETE", "SETTINGS", "Workspace", "founding_keys", "upgrade"]
