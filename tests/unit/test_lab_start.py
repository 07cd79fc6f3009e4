"""How ``./run lab`` starts: the workspace that stands ready, the tabs, and that nothing is asked of others."""

from __future__ import annotations

import json
from fnmatch import fnmatch
from pathlib import Path

from notebooks import lab


def test_a_place_without_a_workspace_is_told_and_the_lab_opens_all_the_same(tmp_path: Path) -> None:
    said: list[str] = []
    lab.make_ready(tmp_path, said.append)
    assert "There is no workspace in" in said[0] and "sotepki init" in said[0]
    assert said[1].startswith("The lab opens all the same")


def test_the_layout_names_notebook_and_page_that_are_there(tmp_path: Path) -> None:
    lab.lay_out(tmp_path)
    (file,) = (tmp_path / "layouts").iterdir()
    data = json.loads(file.read_text(encoding="utf-8"))["data"]
    tabs = data["layout-restorer:data"]["main"]["dock"]["widgets"]
    assert all((lab.ROOT / data[tab]["data"]["path"]).is_file() for tab in tabs)
    assert len(tabs) == 2


def test_the_file_browser_shows_notebooks_and_the_start_page_only() -> None:
    """A class would open the settings of a type checker, and wonder."""
    server = json.loads((lab.SETTINGS / "jupyter_lab_config.json").read_text(encoding="utf-8"))
    hidden = [*server["ContentsManager"]["hide_globs"], ".*"]
    seen = {path.name for path in lab.ROOT.joinpath("notebooks").iterdir()}
    seen = {name for name in seen if not any(fnmatch(name, pattern) for pattern in hidden)}
    assert {name for name in seen if not name.endswith(".ipynb")} == {"README.md"}


def test_nothing_is_asked_of_other_machines_and_nothing_of_the_users_is_read(tmp_path: Path) -> None:
    server = json.loads((lab.SETTINGS / "jupyter_lab_config.json").read_text(encoding="utf-8"))
    assert server["LabApp"]["news_url"] is None and server["LabApp"]["extension_manager"] == "readonly"
    assert server["ServerApp"]["ip"] == "127.0.0.1"
    assert "token" not in json.dumps(server), "who opens the lab needs its token"
    text = (lab.SETTINGS / "labconfig" / "default_setting_overrides.json").read_text(encoding="utf-8")
    pages = json.loads(text)
    assert pages["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"
    assert pages["@jupyterlab/docmanager-extension:plugin"]["autosave"] is False
    environment = lab.environment(tmp_path / "workspace", tmp_path)
    own = ("JUPYTER_CONFIG_DIR", "JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR", "IPYTHONDIR")
    assert all(environment[name].startswith(str(tmp_path)) for name in own)
