"""Which alerts there are: raised, said again while they last, and told when they are over.

The bus hears of every change (the page, the terminal, a client that listens). The ways to the owner (notification,
voice, webhook) hear of one alert at most once in ``AGAIN_S``, in quiet times not before they end, and again after
``alerts.repeat_h``.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from perstream.config_upkeep import AlertConfig
from perstream.daemon.alert_rules import URGENT, Finding, Key
from perstream.daemon.upkeep_state import Alert
from perstream.events import AlertRaised

log = logging.getLogger(__name__)
AGAIN_S = 3600.0
"""One that comes and goes is not brought more often than this."""
OF_SOURCES = ("source_gone", "latency")
"""Rules whose subject is a source."""
MOST_KNOWN = 256
"""Alerts that are over and remembered for that."""


@dataclass
class _Known:
    """One alert, active or over."""

    alert: Alert
    active: bool
    told_at: float = float("-inf")
    """When the bus heard of it last."""
    brought_at: float = float("-inf")
    """When the ways to the owner got it last."""
    waits: bool = False
    """It is still to be brought."""


class Alerts:
    """One thread updates, any thread reads."""

    def __init__(
        self,
        config: AlertConfig,
        publish: Callable[[AlertRaised], None],
        bring: Callable[[AlertRaised], None],
        quiet: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``publish`` to the bus, ``bring`` to the owner; ``quiet`` is the owner's wish of this moment."""
        self._config = config
        self._publish = publish
        self._bring = bring
        self._quiet = quiet
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[Key, _Known] = {}

    @property
    def active(self) -> tuple[Alert, ...]:
        """The alerts that last, the oldest first."""
        with self._lock:
            return tuple(sorted((one.alert for one in self._known.values() if one.active), key=lambda one: one.since))

    @property
    def keys(self) -> frozenset[Key]:
        """Of those."""
        with self._lock:
            return frozenset(key for key, one in self._known.items() if one.active)

    def update(self, found: Sequence[Finding], now: datetime) -> None:
        """What holds ``now`` (UTC): raise what is new, end what is over."""
        clock = self._clock()
        here = {finding.key: finding for finding in found}
        for key, finding in here.items():
            self._raise(key, finding, now, clock)
        for key in self.keys - here.keys():
            self._end(key, now)
        waiting = [one for one in self._known.values() if one.waits]
        if waiting:
            quiet = any(not one.alert.urgent for one in waiting) and self._quiet()
            for one in waiting:
                if one.alert.urgent or not quiet:
                    one.waits, one.brought_at = False, clock
                    self._bring(_event(one.alert, now, True))
        self._let_go()

    def _raise(self, key: Key, finding: Finding, now: datetime, clock: float) -> None:
        known = self._known.get(key)
        if known is not None and known.active:
            with self._lock:
                known.alert = replace(known.alert, text=finding.text)
            if clock - known.told_at < self._config.repeat_h * 3600:
                return
            known.waits = True
        else:
            alert = Alert(finding.rule, finding.subject, finding.text, now, finding.rule in URGENT)
            brought_at = known.brought_at if known is not None else float("-inf")
            waits = clock - brought_at >= min(AGAIN_S, self._config.repeat_h * 3600)
            with self._lock:
                known = self._known[key] = _Known(alert, True, brought_at=brought_at, waits=waits)
            log.warning("alert %s: %s", finding.rule, finding.text)
        known.told_at = clock
        self._publish(_event(known.alert, now, True))

    def _end(self, key: Key, now: datetime) -> None:
        known = self._known[key]
        with self._lock:
            known.active = False
        brought = not known.waits
        known.waits = False
        log.info("alert %s %s is over", *key)
        over = _event(replace(known.alert, text=f"over: {known.alert.text}"), now, False)
        self._publish(over)
        if brought and known.brought_at >= known.told_at:
            self._bring(over)

    def _let_go(self) -> None:
        """Forget the oldest of those that are over, when they are many."""
        over = sorted((one.brought_at, key) for key, one in self._known.items() if not one.active)
        with self._lock:
            for _, key in over[: max(0, len(over) - MOST_KNOWN)]:
                del self._known[key]


def _event(alert: Alert, now: datetime, active: bool) -> AlertRaised:
    source = alert.subject if alert.rule in OF_SOURCES else None
    return AlertRaised(now, source, None, alert.rule, alert.subject, alert.text, active)
