"""One connection to a live source: the reader process, and the thread that takes in what it sends."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from perstream.errors import SourceError
from perstream.sources.device import Input
from perstream.sources.picture import AvPicture
from perstream.sources.wire import WireError, receive, unpack_frame
from perstream.types import SampleArray

START_DEADLINE_S = 30.0
"""A new process may take this long to load on a busy machine; the source's own deadline begins after it."""

READER = "import sys; sys.path[:] = sys.argv[1:]; from perstream.sources.reader import main; main()"
"""The parent's own import path is used, so that no file of the current folder can stand in for a module."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The source answered and has pictures."""

    duration_s: float | None
    """Of a recording on a server; None for what is live."""
    rate: float
    """Nominal frames per second, 0 when unknown."""


@dataclass(frozen=True, slots=True, eq=False)
class Arrived:
    """A picture came in."""

    claimed_s: float | None
    """Seconds on the sender's clock."""
    at: float
    """``time.monotonic()`` of its arrival."""
    picture: AvPicture


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """A stretch of sound came in: 16 kHz mono int16 [n]."""

    claimed_s: float
    at: float
    samples: SampleArray


@dataclass(frozen=True, slots=True)
class Lost:
    """Pictures came in that could not be decoded."""

    count: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The connection is over."""

    clean: bool
    """True when the other side ended it in good order."""
    why: str


News = Arrived | Heard | Lost | Ended


class Connection:
    """Starts reading at once; ``deliver`` is called from the connection's own thread.

    Nothing is delivered before ``wait_opened`` returned and ``go`` was called, and nothing after ``kill``.
    """

    def __init__(self, inputs: Sequence[Input], *, sound: bool, deliver: Callable[[News], None]) -> None:
        self._deliver = deliver
        self._state = threading.Condition()
        self._greeted = False
        self._opened: Opened | None = None
        self._ended: Ended | None = None
        self._killed = False
        self._go = threading.Event()
        self._last = time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "-c", READER, *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._thread = threading.Thread(target=self._take_in, name="perstream-live", daemon=True)
        self._thread.start()
        # On stdin, not as an argument: a URL may hold a password and every user can list arguments.
        order = json.dumps({"inputs": [asdict(way) for way in inputs], "sound": sound}).encode() + b"\n"
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(order)
            self._process.stdin.flush()
        except OSError:
            pass  # it died at once; its end is reported like any other

    def wait_opened(self, deadline_s: float) -> Opened:
        """Wait until there are pictures to come. Raises SourceError with the reason when there are none."""
        with self._state:
            self._state.wait_for(lambda: self._greeted or self._over, START_DEADLINE_S)
            self._state.wait_for(lambda: self._opened or self._over, deadline_s)
            if self._killed:
                raise SourceError("it was closed")
            if self._opened is not None:
                return self._opened
            if self._ended is not None:
                raise SourceError(self._ended.why)
            if not self._greeted:
                raise SourceError("the reader process did not start; this machine may be overloaded")
        raise SourceError(f"it sent no picture within {deadline_s:g} s")

    def go(self) -> None:
        """From now on deliver."""
        self._go.set()

    def quiet_s(self) -> float:
        """Seconds since the last message."""
        return time.monotonic() - self._last

    def kill(self) -> None:
        """End the process whatever it is doing. Prompt; may be called again and from any thread."""
        with self._state:
            self._killed = True
            self._state.notify_all()
        self._go.set()
        self._process.kill()
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(0.5)
        except subprocess.TimeoutExpired:
            return  # stuck in the kernel: it cannot be waited for, and its thread is a daemon
        if self._thread is not threading.current_thread():
            self._thread.join(0.5)

    @property
    def _over(self) -> bool:
        return self._killed or self._ended is not None

    def _take_in(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as pipe:
            why = "the connection broke"
            try:
                while not self._killed and (message := receive(pipe)) is not None:  # type: ignore[arg-type]
                    if message[0].get("kind") != "sound":  # sound alone is no sign that the pictures live
                        self._last = time.monotonic()
                    self._handle(*message)
            except (OSError, KeyError, TypeError, ValueError, WireError) as error:
                why = f"the connection broke: {error}"
            self._end(Ended(clean=False, why=why))

    def _handle(self, head: dict[str, Any], body: bytearray) -> None:
        kind = head.get("kind")
        if kind == "hello":
            with self._state:
                self._greeted = True
                self._state.notify_all()
        elif kind == "opened":
            with self._state:
                self._opened = Opened(head["duration_s"], head["rate"])
                self._state.notify_all()
        elif kind == "end":
            self._end(Ended(bool(head["clean"]), str(head["why"])))
        elif kind == "frame":
            frame = unpack_frame(head, body)
            self._pass_on(Arrived(head["claimed_s"], self._last, AvPicture(frame, round(head["rotation"] / 90) % 4)))
        elif kind == "sound":
            self._pass_on(Heard(head["claimed_s"], time.monotonic(), np.frombuffer(body, dtype=np.int16)))
        elif kind == "undecodable":
            self._pass_on(Lost(int(head["count"])))

    def _end(self, ended: Ended) -> None:
        with self._state:
            if self._ended is not None:
                return
            self._ended = ended
            opened = self._opened is not None
            self._state.notify_all()
        if opened:
            self._pass_on(ended)

    def _pass_on(self, news: News) -> None:
        self._go.wait()
        if not self._killed:
            self._deliver(news)
