"""Cameras and network streams: the newest frame, for as long as it takes."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone

from perstream.config import SourceConfig
from perstream.errors import SourceError
from perstream.sources.backoff import Backoff
from perstream.sources.connection import Arrived, Connection, Ended, Heard, Lost, News
from perstream.sources.device import Input
from perstream.sources.live_clock import LiveClock
from perstream.sources.mailbox import Mailbox
from perstream.sources.pacer import Pacer
from perstream.sources.sound import RATE_HZ
from perstream.sources.timeline import Timeline
from perstream.types import AudioChunk, Frame, Gap, SourceItem

log = logging.getLogger(__name__)

FINITE_ROOM = 8
"""Pictures of a recording on a server that are held ready; the server then waits."""


class LiveSource:
    """A source whose reader can be killed at any moment (see ``reader``).

    Opening raises SourceError when it cannot be reached. Later losses are waited out: the source is
    opened again with growing waits for ever, and the first frame after a loss comes behind a Gap. A
    recording on a web server (its length is known) is no live source: nothing of it is dropped, and its
    end is the end.
    """

    def __init__(
        self,
        inputs: Sequence[Input],
        config: SourceConfig,
        name: str,
        *,
        start_time: datetime | None = None,
        realtime: bool = False,
        may_be_finite: bool = False,
    ) -> None:
        self.name = name
        self._inputs = list(inputs)
        self._config = config
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._started = False
        self._dropped: Counter[str] = Counter()
        self._index = 0
        self._clock = LiveClock()
        self._backoff = Backoff(config.backoff_min_s, config.backoff_max_s)
        self._gap: tuple[float, datetime, str] | None = None
        self._connection: Connection | None = None
        self._mailbox: Mailbox[News] = Mailbox(_is_picture)
        try:
            connection = self._connect()
            opened = connection.wait_opened(config.open_deadline_s)
        except SourceError as error:
            self.close()
            raise SourceError(f"cannot open {name}: {error}; check that it runs and can be reached") from error
        self.duration_s = opened.duration_s if may_be_finite else None
        self.live = self.duration_s is None
        self._timeline = Timeline(step_s=1 / (opened.rate or 25.0))
        self._pacer = Pacer(self._stop) if realtime and not self.live else None
        if not self.live:
            self._mailbox = Mailbox(_is_picture, FINITE_ROOM, lossless=True)
        now = datetime.now(timezone.utc)
        self.start_time = start_time.astimezone(timezone.utc) if start_time and not self.live else now
        self._last_at = self.start_time
        self._connected_at = time.monotonic()
        connection.go()

    @property
    def dropped(self) -> Mapping[str, int]:
        behind = {"behind": self._mailbox.dropped} if self._mailbox.dropped else {}
        return {**self._dropped, **behind}

    @property
    def connected(self) -> bool:
        """False while a lost source is being waited for."""
        return self._gap is None and not self._stop.is_set()

    def stream(self) -> Iterator[SourceItem]:
        with self._lock:
            if self._started:
                raise SourceError(f"{self.name} was already read; open it again")
            self._started = True
        try:
            while not self._stop.is_set():
                news = self._mailbox.take(self._config.read_deadline_s)
                if isinstance(news, Ended):
                    if not self.live:
                        self._count_missing(news)
                        return
                    self._reconnect("lost", news.why)
                elif news is None:
                    if self._stop.is_set() or self._quiet_s() < self._config.read_deadline_s:
                        continue
                    why = f"it sent nothing for {self._config.read_deadline_s:g} s"
                    if not self.live:
                        self._count_missing(Ended(clean=False, why=why))
                        return
                    self._reconnect("stalled", why)
                else:
                    yield from self._items(news)
        finally:
            self.close()

    def close(self) -> None:
        self._stop.set()
        self._mailbox.close()
        with self._lock:
            connection = self._connection
        if connection is not None:
            connection.kill()

    def _connect(self) -> Connection:
        """A new connection; the source owns it from the start so that ``close`` finds it."""
        connection = Connection(self._inputs, sound=self._config.audio, deliver=lambda news: self._mailbox.put(news))
        with self._lock:
            self._connection = connection
        if self._stop.is_set():
            connection.kill()
        return connection

    def _reconnect(self, reason: str, why: str) -> None:
        """Open again until it works or the source is closed."""
        log.warning("%s is %s (%s); opening it again", self.name, reason, why)
        if self._gap is None:
            self._gap = (self._clock.last_s, self._last_at, reason)
        if self._connection is not None:
            self._connection.kill()
        while not self._stop.wait(self._backoff.wait_s()):
            connection = self._connect()
            try:
                connection.wait_opened(self._config.open_deadline_s)
            except SourceError as error:
                log.info("%s is still away: %s", self.name, error)
                connection.kill()
                continue
            self._clock.reconnected()
            self._connected_at = time.monotonic()
            connection.go()
            return

    def _quiet_s(self) -> float:
        return self._connection.quiet_s() if self._connection is not None else 0.0

    def _items(self, news: News) -> Iterator[SourceItem]:
        if isinstance(news, Lost):
            self._dropped["undecodable"] += news.count
        elif isinstance(news, Heard):
            yield from self._sound(news)
        elif isinstance(news, Arrived):
            if self.live:
                pts_s = self._clock.picture(news.claimed_s, news.at)
                at = datetime.now(timezone.utc) - timedelta(seconds=time.monotonic() - news.at)
                if self._index == 0:
                    self.start_time = at
            else:
                pts_s = self._timeline.place(news.claimed_s)
                at = self.start_time + timedelta(seconds=pts_s)
                if self._pacer is not None and not self._pacer.wait(pts_s):
                    return
            if self._gap is not None:
                start_s, started_at, reason = self._gap
                self._gap = None
                log.info("%s is back", self.name)
                yield Gap(self.name, start_s, pts_s, started_at, at, reason)
            if news.at - self._connected_at > self._config.read_deadline_s:
                self._backoff.reset()  # it holds; one that breaks off at once is not asked more and more often
            self._last_at = at
            self._index += 1
            yield Frame(self.name, self._index - 1, pts_s, at, news.picture)

    def _sound(self, heard: Heard) -> Iterator[SourceItem]:
        if self.live:
            placed_s = self._clock.sound(heard.claimed_s, len(heard.samples) / RATE_HZ, heard.at)
        else:
            origin_s = self._timeline.origin_s
            placed_s = None if origin_s is None else heard.claimed_s - origin_s
        if placed_s is not None and placed_s >= 0:
            yield AudioChunk(self.name, placed_s, heard.samples)

    def _count_missing(self, ended: Ended) -> None:
        """A recording that broke off: what its length promised and did not come."""
        missing_s = (self.duration_s or 0.0) - self._timeline.last_s
        if not ended.clean or missing_s > max(1.0, 0.05 * (self.duration_s or 0.0)):
            log.warning("%s broke off at %.1f s: %s", self.name, self._timeline.last_s, ended.why)
            self._dropped["undecodable"] += max(1, round(missing_s / self._timeline.step_s))


def _is_picture(news: News) -> bool:
    return isinstance(news, Arrived)
