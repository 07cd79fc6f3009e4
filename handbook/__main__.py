"""Build the handbook: ``python -m handbook [--output DIR] [--anew]``. A warning is an error."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from sphinx.cmd.build import build_main

from handbook.checking import complaints
from handbook.staging import DOCS, ROOT, empty, stage


def main(arguments: list[str]) -> int:
    """Stage, build, check; 0 if all is well."""
    parser = argparse.ArgumentParser(prog="handbook", description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "handbook", help="where the site goes")
    parser.add_argument("--anew", action="store_true", help="forget what an earlier build left")
    options = parser.parse_args(arguments)
    site = options.output.resolve()
    source, kept = site.with_name(f"{site.name}-source"), site.with_name(f"{site.name}-doctrees")
    if options.anew:
        for directory in (site, source, kept):
            empty(directory)
    began = time.monotonic()
    pages = stage(source)
    # Every page is written anew, since each of them shows the contents of all; only what changed is read anew.
    strict = ["-q", "-W", "--keep-going", "-n", "-a"]
    built = build_main([*strict, "-j", "2", "-b", "html", "-c", str(DOCS), "-d", str(kept), str(source), str(site)])
    wrong = complaints(site) if site.exists() else []
    for complaint in wrong:
        print(f"handbook: {complaint}", file=sys.stderr)
    if built or wrong:
        print("handbook: not built as it should be; see above.", file=sys.stderr)
        return 1
    taken = time.monotonic() - began
    print(f"The handbook is built from {len(pages)} files in {taken:.0f} s: {site / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
