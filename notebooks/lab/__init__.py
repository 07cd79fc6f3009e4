"""JupyterLab for teaching: ``./run lab`` opens the tour beside the start page, with a workspace that stands ready.

The settings of this directory send nothing outside: no news, no look for updates, no list of extensions. They are
JupyterLab's own kind (``labconfig/``, ``jupyter_lab_config.json``), found by ``JUPYTER_CONFIG_PATH``; those in the
user's home directory are neither read nor changed. Nothing is saved unless somebody saves it, so that trying things
out leaves the notebooks as they came.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from jupyterlab_server.workspaces_handler import WorkspacesManager

from sotepki.errors import SotepkiError
from sotepki.workspace import Workspace

SETTINGS = Path(__file__).resolve().parent
ROOT = SETTINGS.parents[1]
STATE = ROOT / ".cache" / "lab"
WORKSPACE_VARIABLE = "SOTEPKI_WORKSPACE"
START_PAGE = "notebooks/README.md"
TOUR = "notebooks/00_tour.ipynb"
_CARD_KEYS = 4


def workspace_directory() -> Path:
    """The workspace of the lab's terminals and notebooks: SOTEPKI_WORKSPACE, or ``workspace`` of this project."""
    return Path(os.environ.get(WORKSPACE_VARIABLE) or ROOT / "workspace").resolve()


def make_ready(directory: Path, tell: Callable[[str], None]) -> None:
    """Make the workspace if there is none; tell what stands there, or what hinders it. The lab opens either way."""
    try:
        if directory.exists():
            workspace = Workspace.open(directory)
        else:
            workspace = Workspace.create(directory, card_keys=_CARD_KEYS, tell=tell)
        with workspace:
            tell(f"The workspace {directory.name} is ready: {workspace.counts()['people']} people.")
    except SotepkiError as error:
        tell(" ".join(filter(None, (error.sentence, error.advice))))
        tell("The lab opens all the same; the notebooks make workspaces of their own.")


def environment(directory: Path, state: Path = STATE) -> dict[str, str]:
    """The variables under which JupyterLab and everything that it starts run."""
    return {
        **os.environ,
        WORKSPACE_VARIABLE: str(directory),
        "JUPYTER_CONFIG_DIR": str(state / "config"),
        "JUPYTER_CONFIG_PATH": str(SETTINGS),
        "JUPYTER_PLATFORM_DIRS": "1",
        "JUPYTERLAB_SETTINGS_DIR": str(state / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(state / "layouts"),
        "IPYTHONDIR": str(state / "ipython"),
    }


def arguments() -> list[str]:
    """What JupyterLab is asked to open."""
    as_root = ["--allow-root"] if os.geteuid() == 0 else []  # in a container; the lab listens on this machine only
    places = [f"--ServerApp.root_dir={ROOT}", f"--FileContentsManager.preferred_dir={ROOT / 'notebooks'}"]
    return [*as_root, *places, str(ROOT / TOUR)]


def lay_out(state: Path = STATE) -> None:
    """The tabs of a new session: the start page and the tour, whatever was open the last time."""
    page, tour = f"markdownviewer-widget:{START_PAGE}", f"notebook:{TOUR}"
    main = {"dock": {"type": "tab-area", "currentIndex": 1, "widgets": [page, tour]}, "current": tour}
    data = {
        "layout-restorer:data": {"main": main, "left": {"collapsed": False, "current": "filebrowser"}},
        page: {"data": {"path": START_PAGE, "factory": "Markdown Preview"}},
        tour: {"data": {"path": TOUR, "factory": "Notebook"}},
    }
    manager = WorkspacesManager(str(state / "layouts"))
    manager.save("default", json.dumps({"data": data, "metadata": {"id": "default"}}))
