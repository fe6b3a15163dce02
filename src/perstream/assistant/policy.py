"""When a proactive word may be said: topic cooldown, hourly budget, quiet hours, confidence.

Every silence has a reason, and reasons are counted.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from datetime import datetime, time, timedelta

from perstream.config import ProactiveConfig
from perstream.protocols import Proposal

SAFETY = 3
"""Priority of health and safety: exempt from the hourly budget and from quiet hours."""


class SpeechPolicy:
    """Decides on proposals one at a time, in time order. O(1) per decision, bounded memory."""

    def __init__(self, config: ProactiveConfig) -> None:
        self._config = config
        self._last_said: dict[str, datetime] = {}
        self._recent: deque[datetime] = deque()
        self._silences: Counter[str] = Counter()

    @property
    def silences(self) -> Mapping[str, int]:
        """How often a proposal was held back, by reason."""
        return dict(self._silences)

    def refusal(self, proposal: Proposal, now: datetime) -> str | None:
        """Why this may not be said now, or None when it may. Does not count it as said."""
        reason = self._reason(proposal, now)
        if reason is not None:
            self._silences[reason] += 1
        return reason

    def said(self, proposal: Proposal, now: datetime) -> None:
        """Record that it was said."""
        self._last_said[proposal.topic] = now
        self._recent.append(now)
        if len(self._last_said) > 4096:
            oldest = min(self._last_said, key=self._last_said.__getitem__)
            del self._last_said[oldest]

    def _reason(self, proposal: Proposal, now: datetime) -> str | None:
        if not self._config.enabled:
            return "disabled"
        if proposal.confidence < self._config.min_confidence:
            return "unsure"
        last = self._last_said.get(proposal.topic)
        if last is not None and now - last < timedelta(seconds=self._config.cooldown_s):
            return "cooldown"
        if proposal.priority >= SAFETY:
            return None
        if self._is_quiet(now):
            return "quiet hours"
        while self._recent and now - self._recent[0] > timedelta(hours=1):
            self._recent.popleft()
        if len(self._recent) >= self._config.per_hour:
            return "budget"
        return None

    def _is_quiet(self, now: datetime) -> bool:
        if not self._config.quiet_from or not self._config.quiet_until:
            return False
        start, end = time.fromisoformat(self._config.quiet_from), time.fromisoformat(self._config.quiet_until)
        local = now.astimezone().time()
        return start <= local < end if start <= end else local >= start or local < end
