"""python -m pipeline.lineage: the questions, asked of this machine's store."""

from __future__ import annotations

import sys

from pipeline.commands import console, lineage


def main() -> int:
    """Runs the command line; returns the exit code."""
    return console.run(lineage.lineage_app("local"))


if __name__ == "__main__":
    sys.exit(main())
