"""The same for plain RTSP, which knows no proxy: a connection passed on until the camera plays, without redirects.

FFmpeg follows a redirect (3xx, RFC 2326 section 11.3) to wherever it names. Pictures come over the same
connection ("interleaved"), so nothing else needs to be reached.
"""

from __future__ import annotations

import re
import select
import socket
import threading
from collections.abc import Callable
from urllib.parse import SplitResult

from perstream.errors import SourceError

HEAD_BYTES = 64 * 1024
CHUNK = 256 * 1024
_STATUS = re.compile(rb"RTSP/\d\.\d (\d{3})")
_LENGTH = re.compile(rb"\r\ncontent-length\s*:\s*(\d{1,6})\s*\r\n", re.IGNORECASE)


class RtspRelay:
    """Serves this process until it ends."""

    def __init__(self, dial: Callable[[], socket.socket]) -> None:
        """``dial`` makes a connection to the camera. SourceError, OSError."""
        self._dial = dial
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.problem: str | None = None
        """Why the latest connection was not made or was cut."""
        threading.Thread(target=self._accept, name="perstream-rtsp", daemon=True).start()

    def url(self, parts: SplitResult) -> str:
        """The camera's address as FFmpeg gets it: through here."""
        login = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
        return parts._replace(netloc=f"{login}127.0.0.1:{self._listening.getsockname()[1]}").geturl()

    def close(self) -> None:
        """Take no further connection."""
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            with client:
                try:
                    with self._dial() as camera:
                        self.problem = None
                        camera.settimeout(None)
                        self._talk(client, camera)
                except SourceError as error:  # told before FFmpeg hears of it
                    self.problem = str(error)
                except OSError as error:
                    self.problem = self.problem or error.strerror or str(error)

    def _talk(self, client: socket.socket, camera: socket.socket) -> None:
        playing, waiting = False, b""
        while True:
            for ready in select.select([client, camera], [], [])[0]:
                data = ready.recv(CHUNK)
                if not data:
                    return
                if ready is client:
                    playing = playing or data.startswith(b"PLAY ")
                    camera.sendall(data)
                elif playing:
                    client.sendall(waiting + data)
                    waiting = b""
                else:
                    whole, waiting = answers(waiting + data)
                    client.sendall(whole)


def answers(data: bytes) -> tuple[bytes, bytes]:
    """Whole answers at the beginning of ``data``, and what is not whole yet. SourceError for what must not pass."""
    at = 0
    while (end := data.find(b"\r\n\r\n", at)) >= 0:
        head = data[at : end + 4]
        status = _STATUS.match(head)
        if status is None:
            raise SourceError("the camera does not speak RTSP")
        if status[1].startswith(b"3"):
            raise SourceError("the camera leads to another address: name that one")
        length = _LENGTH.search(head)
        after = end + 4 + (int(length[1]) if length else 0)
        if after > len(data):
            break
        at = after
    if len(data) - at > HEAD_BYTES + 10**6:
        raise SourceError("the camera's answer does not end")
    return data[:at], data[at:]
