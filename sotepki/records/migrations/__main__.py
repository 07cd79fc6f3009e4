"""``python -m sotepki.records.migrations``: write the first revision anew, or the next one."""

from __future__ import annotations

import sys

from sotepki.records.migrations.writing import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
