"""``python -m perstream.lab.kit dataset …``: the kit's commands where nothing is installed as ``perstream``."""

from __future__ import annotations

from perstream.cli.main import main

if __name__ == "__main__":
    main()
