"""Words posted as JSON to an address of the owner's choice.

https, or http to this machine alone; no redirect is followed, no proxy used; the address may hold a secret, so it is
in no message. The body is the event as ``watch --json`` prints it.
"""

from __future__ import annotations

import http.client
import ssl
import threading
from urllib.parse import urlsplit

from perstream.config import DeliveryConfig
from perstream.daemon.delivery import DeliveryFailed, Word
from perstream.errors import ConfigError
from perstream.jsonlines import dump_line, event_to_json

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
WAIT_S = 0.5
"""Before the first repeat; doubles."""
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


class WebhookChannel:
    """Posts one word at a time."""

    name = "webhook"
    bytes_sent = 0
    """Bodies that were sent, failed attempts included."""

    def __init__(self, config: DeliveryConfig) -> None:
        """ConfigError for an address that words should not be sent to."""
        try:
            parts = urlsplit(config.webhook)
            self._host, self._port = parts.hostname or "", parts.port
        except ValueError as error:
            raise ConfigError("delivery.webhook is no address") from error
        secure = parts.scheme == "https"
        if not self._host or not (secure or (parts.scheme == "http" and self._host in LOOPBACK)):
            raise ConfigError("delivery.webhook must be https://…, or http:// to this machine (127.0.0.1, localhost)")
        if parts.username or parts.password:
            raise ConfigError("delivery.webhook must not hold a user name or password")
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if not self._path.isascii() or any(ord(letter) <= 32 for letter in self._path):
            raise ConfigError("delivery.webhook must be plain ASCII without blanks")
        self._tls = ssl.create_default_context() if secure else None
        self._timeout_s, self._retries = config.webhook_timeout_s, config.webhook_retries
        self._pause = threading.Event()

    def deliver(self, word: Word) -> None:
        """Raises DeliveryFailed after the last attempt."""
        body = dump_line(event_to_json(word)).encode("utf-8")
        for attempt in range(self._retries + 1):
            if attempt:
                self._pause.wait(WAIT_S * 2 ** (attempt - 1))
            try:
                status = self._post(body)
            except (OSError, http.client.HTTPException) as error:
                problem, passing = type(error).__name__, True
            else:
                if 200 <= status < 300:
                    return
                problem, passing = f"status {status}", status in PASSING
            if not passing:
                break
        raise DeliveryFailed(f"the webhook did not take it ({problem})")

    def _post(self, body: bytes) -> int:
        if self._tls is not None:
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                self._host, self._port, timeout=self._timeout_s, context=self._tls
            )
        else:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)
        try:
            headers = {"Content-Type": "application/json", "User-Agent": "perstream"}
            self.bytes_sent += len(body)
            connection.request("POST", self._path, body, headers)
            return connection.getresponse().status
        finally:
            connection.close()
