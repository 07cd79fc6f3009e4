"""One open workspace: database, tokens, clock and the offices, wired together."""

from sotepki.workspace.claiming import INCOMPLETE
from sotepki.workspace.directory import SETTINGS
from sotepki.workspace.upgrading import upgrade
from sotepki.workspace.workspace import Workspace, founding_keys

__all__ = ["INCOMPLETE", "SETTINGS", "Workspace", "founding_keys", "upgrade"]
