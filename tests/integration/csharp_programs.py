"""Programs in C# for tests: compiled by mcs, run by Mono or by .NET, where they are installed.

Debian has no .NET. Whoever has its runtime (the ``dotnet`` command, with the ASP.NET Core framework, which holds
SignedXml) runs the same tests on it; no SDK is needed.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[2] / "conformance" / "examples" / "csharp"
FRAMEWORK = "Microsoft.AspNetCore.App"

# Any version from 6 on; texts in the system's language need a library that a server often lacks.
RUNTIME = {
    "runtimeOptions": {
        "framework": {"name": FRAMEWORK, "version": "6.0.0"},
        "rollForward": "LatestMajor",
        "configProperties": {"System.Globalization.Invariant": True},
    }
}


def dotnet_version() -> str:
    """The newest version of the framework that ``dotnet`` has; empty if there is none."""
    if shutil.which("dotnet") is None:
        return ""
    listed = subprocess.run(["dotnet", "--list-runtimes"], capture_output=True, text=True, check=False).stdout
    found: list[str] = re.findall(rf"^{re.escape(FRAMEWORK)} (\S+)", listed, re.MULTILINE)
    return max(found, key=lambda version: [int(part) for part in re.findall(r"\d+", version)], default="")


needs_compiler = pytest.mark.skipif(shutil.which("mcs") is None, reason="there is no C# compiler (Debian: mono-mcs)")
needs_dotnet = pytest.mark.skipif(
    shutil.which("mcs") is None or not dotnet_version(),
    reason=f"on demand: the runtime of .NET with {FRAMEWORK}, and a C# compiler (Debian: mono-mcs)",
)


def compiled(program: Path, *more: Path) -> Path:
    """The sources of the example and more, as a program; the class of its name holds ``Main``."""
    command = ["mcs", "-warnaserror", "-r:System.Security.dll", "-r:System.Net.Http.dll", f"-main:{program.stem}"]
    command += [f"-out:{program}", *map(str, sorted(SOURCES.glob("*.cs"))), *map(str, more)]
    subprocess.run(command, check=True)
    program.with_suffix(".runtimeconfig.json").write_text(json.dumps(RUNTIME), encoding="ascii")
    return program
