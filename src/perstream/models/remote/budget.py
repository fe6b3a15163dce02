"""How much a server may be asked: calls and tokens in any hour, with a reserve for what the owner waits for."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from perstream.errors import BackendUnavailable

HOUR_S = 3600.0
KEPT_FREE = {"answer": 0.0, "proactive": 0.1}
"""Share of the budget that this kind of call must leave for those above it."""
KEPT_FREE_BY_OTHERS = 0.2
"""Captions, triplets and whatever else must leave a fifth, so that they cannot starve questions."""


class BudgetSpent(BackendUnavailable):
    """Not called: the budget of this hour is used up, or the server asked for quiet."""


@dataclass(slots=True, eq=False)
class Ticket:
    """One call that was let through. Its tokens are a guess until ``settle``."""

    at: float
    tokens: int


class Budget:
    """A sliding hour. Thread-safe; counts this process alone and forgets on restart."""

    def __init__(self, calls_per_hour: int, tokens_per_hour: int, clock: Callable[[], float]) -> None:
        self._calls = calls_per_hour
        self._tokens = tokens_per_hour
        self._clock = clock
        self._lock = threading.Lock()
        self._spent: deque[Ticket] = deque()
        self._quiet_until = -math.inf

    def take(self, kind: str, tokens: int) -> Ticket:
        """Let one call of at most about ``tokens`` through, or BudgetSpent without any call."""
        with self._lock:
            now = self._clock()
            if now < self._quiet_until:
                raise BudgetSpent(
                    f"the server asked to be left alone; next call in {_minutes(self._quiet_until - now)}"
                )
            while self._spent and self._spent[0].at <= now - HOUR_S:
                self._spent.popleft()
            share = 1 - KEPT_FREE.get(kind, KEPT_FREE_BY_OTHERS)
            self._check(math.floor(self._calls * share), self._calls, 1, "calls", kind, now)
            self._check(math.floor(self._tokens * share), self._tokens, tokens, "tokens", kind, now)
            ticket = Ticket(now, tokens)
            if self._calls or self._tokens:
                self._spent.append(ticket)
            return ticket

    def share(self) -> float:
        """How much of this hour's calls or tokens is spent, whichever is more, of what is not kept for questions.

        0 to 1; 0 without a limit.
        """
        mine = 1 - KEPT_FREE_BY_OTHERS
        with self._lock:
            since = self._clock() - HOUR_S
            spent = [ticket for ticket in self._spent if ticket.at > since]
            calls = len(spent) / (self._calls * mine) if self._calls else 0.0
            tokens = sum(ticket.tokens for ticket in spent) / (self._tokens * mine) if self._tokens else 0.0
            return min(1.0, max(calls, tokens))

    def settle(self, ticket: Ticket, tokens: int) -> None:
        """What the call really took."""
        with self._lock:
            ticket.tokens = tokens

    def pause(self, seconds: float) -> None:
        """Let nothing through for so long: the server asked for it."""
        with self._lock:
            self._quiet_until = max(self._quiet_until, self._clock() + min(seconds, HOUR_S))

    def _check(self, allowed: int, limit: int, wanted: int, unit: str, kind: str, now: float) -> None:
        if not limit:
            return
        costs = [(t.at, 1 if unit == "calls" else t.tokens) for t in self._spent]
        over = sum(cost for _, cost in costs) + wanted - allowed
        if over <= 0:
            return
        part = (
            "" if allowed == limit else f" (less what is kept for {'answers' if kind == 'proactive' else 'questions'})"
        )
        said = f"the budget of {limit} {unit} an hour{part} is spent"
        for at, cost in costs:
            over -= cost
            if over <= 0:
                raise BudgetSpent(f"{said}; next {kind} in {_minutes(at + HOUR_S - now)}")
        raise BudgetSpent(f"{said}: it is too small for one {kind} of {wanted} {unit}; raise backend.{unit}_per_hour")


def _minutes(seconds: float) -> str:
    return f"{max(1, math.ceil(seconds / 60))} min"
