"""The daemon's LoRA adapters, from another process."""

from __future__ import annotations

from urllib.parse import quote

from perstream.jsonlines import Json
from perstream.web.transport import Transport


class RemoteAdapters:
    """protocols.Adapters over HTTP."""

    def __init__(self, wire: Transport) -> None:
        self._wire = wire

    @property
    def names(self) -> tuple[str, ...]:
        """Loaded ones."""
        return tuple(self._listed()["adapters"])

    @property
    def active(self) -> str | None:
        """The one in use."""
        active: str | None = self._listed()["active"]
        return active

    def load(self, name: str, path: str) -> None:
        """Load a folder of the daemon's machine. BackendUnavailable when it cannot be used."""
        self._wire.call("POST", "/v1/adapters", {"name": name, "path": path})

    def use(self, name: str | None) -> None:
        """Switch; None is the model as it came. NotFound."""
        self._wire.call("PUT", "/v1/adapters/active", {"name": name})

    def unload(self, name: str) -> None:
        """Let one go. NotFound."""
        self._wire.call("DELETE", f"/v1/adapters/{quote(name, safe='')}")

    def _listed(self) -> Json:
        listed: Json = self._wire.call("GET", "/v1/adapters")
        return listed
