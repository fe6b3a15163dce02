"""Files on the daemon's machine that a caller may name; see sources/confine.py."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perstream.sources.confine import named_file
from perstream.web.scopes import Scope, granted


@dataclass(frozen=True)
class Files:
    """Whose they are: the owner may name any but the store's own; others those in ``folders``."""

    store: Path
    folders: tuple[str, ...] = ()

    def named(self, name: str, request: MutableMapping[str, Any]) -> Path:
        """The file or folder a request (its ASGI scope) names. SourceError says why not."""
        return named_file(name, self.store, None if granted(request) >= Scope.ADMIN else self.folders)
