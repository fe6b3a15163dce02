"""Where things are on disk."""

from __future__ import annotations

from pathlib import Path

import platformdirs

from perstream.config import Config


def store_folder(config: Config) -> Path:
    """Where memories live: the configured folder, else the user's data folder."""
    return Path(config.store).expanduser() if config.store else Path(platformdirs.user_data_path("perstream"))
