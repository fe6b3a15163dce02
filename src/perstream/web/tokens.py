"""Tokens besides the owner's, each with a name, a scope and perhaps an end: the file ``tokens.json`` of the store.

[{"name", "sha256", "scope", "made_at", "expires_at"}]; see roster.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from perstream.errors import ConfigError, NotFound, StoreError
from perstream.web.roster import LONGEST_NAME, Roster, digest, new_token, plain_name
from perstream.web.scopes import Scope, scope_named

FILE = "tokens.json"
MOST = 50
LONGEST_DAYS = 3650


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


@dataclass(frozen=True)
class Token:
    """One that was given out."""

    name: str
    sha256: str
    scope: str
    made_at: str
    expires_at: str = ""
    """ISO time from which it is refused; empty is never."""

    def over(self, now: datetime) -> bool:
        """Whether its time has passed; one whose end cannot be read has none left."""
        if not self.expires_at:
            return False
        try:
            return now >= datetime.fromisoformat(self.expires_at)
        except (ValueError, TypeError):
            return True


class Tokens:
    """The further tokens of a store; from any thread, from several processes."""

    def __init__(self, store: Path, clock: Callable[[], datetime] = _utc_now) -> None:
        self._roster = Roster(store / FILE, Token, "delete it and make your tokens again")
        self._clock = clock

    def listed(self) -> tuple[Token, ...]:
        """The oldest first. StoreError when the file is damaged."""
        return self._roster.listed()

    def create(self, name: str, scope: Scope, days: int | None = None) -> tuple[Token, str]:
        """A new one and its secret, which is kept nowhere. ConfigError for a name that is taken, StoreError, StoreBusy."""
        if days is not None and not 1 <= days <= LONGEST_DAYS:
            raise ConfigError(f"a token is good for 1 to {LONGEST_DAYS} days")
        plain = plain_name(name, "")
        if not plain or plain != name:
            raise ConfigError(f"a token's name is one printable line of at most {LONGEST_NAME} characters")
        secret, now = new_token(), self._clock()
        ends = (now + timedelta(days=days)).isoformat(timespec="seconds") if days else ""
        with self._roster.changing() as tokens:
            tokens[:] = [one for one in tokens if not one.over(now)]
            if any(one.name == plain for one in tokens):
                raise ConfigError(f"a token is called {plain!r} already: revoke it first, or choose another name")
            if len(tokens) >= MOST:
                raise StoreError(f"{MOST} tokens are out: take one away with perstream token revoke NAME")
            made = now.isoformat(timespec="seconds")
            token = Token(plain, digest(secret.encode("ascii")), scope.name.lower(), made, ends)
            tokens.append(token)
        return token, secret

    def revoke(self, name: str) -> None:
        """It is refused from now on. NotFound, StoreError, StoreBusy."""
        with self._roster.changing() as tokens:
            left = [one for one in tokens if one.name != name]
            if len(left) == len(tokens):
                raise NotFound(f"no token is called {name[:LONGEST_NAME]!r}; see: perstream token list")
            tokens[:] = left

    def scope(self, secret: bytes) -> Scope | None:
        """What this one may do now; None when it is unknown or over."""
        token = self._roster.holder(secret)
        if token is None or token.over(self._clock()):
            return None
        try:
            return scope_named(token.scope)
        except ConfigError:
            return None  # somebody wrote the file by hand
