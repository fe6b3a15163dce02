"""A streaming server on loopback that misbehaves to order."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from perstream.types import Frame, Gap, SourceItem

Act = Callable[["StreamServer", socket.socket], None]


class StreamServer:
    """Each connection is served by the next act; the last act serves all that follow."""

    def __init__(self, acts: Sequence[Act], data: bytes = b"", seconds: float = 1.0, port: int = 0) -> None:
        self.data = data
        self.bytes_per_s = len(data) / seconds
        self.connections = 0
        self.stop = threading.Event()
        self._acts = acts
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.stop.set()
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        self._thread.join(5)
        for connection in self._sockets:
            connection.close()

    def _accept(self) -> None:
        while not self.stop.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._sockets.append(connection)
            act = self._acts[min(self.connections, len(self._acts) - 1)]
            self.connections += 1
            threading.Thread(target=self._perform, args=(act, connection), daemon=True).start()

    def _perform(self, act: Act, connection: socket.socket) -> None:
        try:
            act(self, connection)
        except OSError:
            pass
        finally:
            connection.close()


def say_nothing(server: StreamServer, connection: socket.socket) -> None:
    """Accept, read, never answer."""
    server.stop.wait(60)


def send_stream(seconds: float, then_wait: bool = False) -> Act:
    """Send MPEG-TS over HTTP at its own pace for some seconds, then close or fall silent."""

    def act(server: StreamServer, connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: video/mp2t\r\n\r\n")
        began, sent = time.monotonic(), 0
        while (passed := time.monotonic() - began) < seconds and sent < len(server.data) and not server.stop.is_set():
            until = min(len(server.data), int((passed + 0.7) * server.bytes_per_s) // 188 * 188)
            connection.sendall(server.data[sent:until])
            sent = until
            time.sleep(0.02)
        if then_wait:
            server.stop.wait(60)

    return act


def send_rtsp(seconds: float, then_wait: bool = False) -> Act:
    """Speak RTSP (RFC 2326) and send MPEG-TS in RTP (RFC 2250) over the same connection."""

    def act(server: StreamServer, connection: socket.socket) -> None:
        sdp = b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 33\r\na=control:track1\r\n"
        answers = {
            b"OPTIONS": b"Public: DESCRIBE, SETUP, PLAY, TEARDOWN\r\n\r\n",
            b"DESCRIBE": b"Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s" % (len(sdp), sdp),
            b"SETUP": b"Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n\r\n",
            b"PLAY": b"Session: 1\r\n\r\n",
        }
        held = b""
        method = b""
        while method != b"PLAY":
            while b"\r\n\r\n" not in held:
                data = connection.recv(4096)
                if not data:
                    return
                held += data
            request, _, held = held.partition(b"\r\n\r\n")
            method = request.split()[0]
            number = next(line for line in request.split(b"\r\n") if line.lower().startswith(b"cseq"))
            connection.sendall(b"RTSP/1.0 200 OK\r\n" + number + b"\r\n" + answers[method])
        began, sent, count = time.monotonic(), 0, 0
        while (passed := time.monotonic() - began) < seconds and not server.stop.is_set():
            until = min(len(server.data), int((passed + 0.7) * server.bytes_per_s) // 188 * 188)
            while sent < until:
                payload = server.data[sent : min(until, sent + 7 * 188)]
                header = struct.pack(">BBHII", 0x80, 33, count & 0xFFFF, int(passed * 90_000) & 0xFFFFFFFF, 7)
                connection.sendall(struct.pack(">cBH", b"$", 0, len(header) + len(payload)) + header + payload)
                sent, count = sent + len(payload), count + 1
            time.sleep(0.02)
        if then_wait:
            server.stop.wait(60)

    return act


def until_after_a_gap(items: Iterator[SourceItem]) -> tuple[list[SourceItem], Gap, Frame]:
    """Items before the first gap, the gap, and the frame behind it."""
    before: list[SourceItem] = []
    for item in items:
        if isinstance(item, Gap):
            following = next(items)
            assert isinstance(following, Frame)
            return before, item, following
        before.append(item)
    raise AssertionError("the stream ended without a gap")
