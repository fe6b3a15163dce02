"""Tells systemd how the daemon is doing: sd_notify(3), datagrams to the socket that NOTIFY_SOCKET names.

Without that variable nothing is sent. The beat that keeps systemd's watchdog quiet is no blind timer: before each one
the caller's check must find the assistant and the HTTP server alive, else there is none and systemd restarts us.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable, Mapping
from types import TracebackType

log = logging.getLogger(__name__)
BEATS_PER_LIMIT = 3
"""So often within the time after which systemd gives us up; it recommends two."""
SEND_S = 1.0
LONGEST = 200


class Notifier:
    """One end of the conversation; systemd does not answer."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID."""
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address if address.startswith("/") else ""
        self.watchdog_s = _limit(environ) if self._address else None
        """Without a beat for so long we are restarted; None where nobody waits for one."""

    @property
    def heard(self) -> bool:
        """Whether there is somebody to tell."""
        return bool(self._address)

    def say(self, *states: str) -> bool:
        """Send for example ``READY=1``; False when it did not get there, which is no reason to stop."""
        if not self._address:
            return False
        lines = "\n".join(" ".join(state.split())[:LONGEST] for state in states)
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | getattr(socket, "SOCK_CLOEXEC", 0)) as one:
                one.settimeout(SEND_S)
                one.connect(self._address)
                one.sendall(lines.encode("utf-8", "replace"))
        except (OSError, AttributeError) as error:  # AttributeError: no such sockets on this system
            log.warning("systemd was not told: %s", type(error).__name__)
            return False
        return True


class Heartbeat:
    """``with Heartbeat(notifier, trouble):`` READY at the start, beats while all is well, STOPPING at the end."""

    def __init__(self, notifier: Notifier, trouble: Callable[[], str]) -> None:
        """``trouble`` says why no beat must be sent, "" when all is well; it may take a few seconds."""
        self._notifier = notifier
        self._trouble = trouble
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="perstream-heartbeat", daemon=True)

    def beat(self) -> bool:
        """Look, and tell; False when something is wrong."""
        trouble = self._trouble()
        if trouble:
            self._notifier.say(f"STATUS=not well: {trouble}")
            log.error("no sign of life is given: %s", trouble)
            return False
        self._notifier.say("WATCHDOG=1")
        return True

    def __enter__(self) -> Heartbeat:
        self._notifier.say("READY=1", "STATUS=serving")
        if self._notifier.watchdog_s is not None:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._notifier.say("STOPPING=1")

    def _run(self) -> None:
        well = True
        while not self._over.wait((self._notifier.watchdog_s or 1.0) / BEATS_PER_LIMIT):
            now_well = self.beat()
            if now_well and not well:
                self._notifier.say("STATUS=serving")
            well = now_well


def _limit(environ: Mapping[str, str]) -> float | None:
    pid, limit = environ.get("WATCHDOG_PID", ""), environ.get("WATCHDOG_USEC", "")
    if not limit.isdecimal() or int(limit) == 0 or (pid and pid != str(os.getpid())):
        return None
    return int(limit) / 1e6
