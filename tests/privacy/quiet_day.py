"""A whole sample day in a process that tells every attempt to reach anything but this machine.

Run as a script: ``quiet_day.py FOLDER [--leak python|library]``; prints one JSON object. Python's own sockets and
child processes are seen by an audit hook. Libraries that call the system themselves are seen by the kernel: where the
process is alone in a network namespace (``unshare -rn``), every packet without a route is counted, and there are no
other routes. ``--leak`` makes one attempt of either kind, to show that it would be seen.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import socket
import struct
import sys
import time
import traceback
from pathlib import Path
from typing import Any

HERE = ("127.", "::1", "localhost")
ELSEWHERE = ("192.0.2.1", 9)
LIBRARY = "library"
TOOLS = ("ldconfig",)
"""Started by ctypes.util.find_library; they read a file. Where the kernel counts, it counts theirs too."""
OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK")
attempts: list[str] = []


class Refused(OSError):
    """Somebody wanted to go out."""


def hook(event: str, args: tuple[Any, ...]) -> None:
    started = event in ("subprocess.Popen", "os.posix_spawn", "os.exec", "os.system")
    if started and Path(os.fsdecode(args[0])).name not in TOOLS:
        tell(event, args[0])
    if not event.startswith("socket."):
        return
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        wanted = args[0]
    elif event in ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"):
        address = args[1]
        wanted = address[0] if isinstance(address, tuple) else None  # AF_UNIX and netlink stay on the machine
    else:
        return
    name = wanted.decode("ascii", "replace") if isinstance(wanted, bytes) else wanted
    if name is not None and not str(name).startswith(HERE):
        tell(event, name)
        raise Refused(f"{event} {name}")


def tell(event: str, what: object) -> None:
    attempts.append(f"{event} {what}\n" + "".join(traceback.format_stack()[:-2][-12:]))


def alone() -> bool:
    """Whether this process is in a network of its own; brings its loopback up."""
    if os.environ.get("QUIET_DAY_ALONE") != "1":
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh", b"lo", 0x41)  # IFF_UP | IFF_RUNNING
        fcntl.ioctl(control, 0x8914, request)  # SIOCSIFFLAGS
    return True


def without_route() -> int:
    """Packets and connections of this network namespace that had nowhere to go."""
    total = 0
    lines = Path("/proc/net/snmp").read_text().splitlines()
    for names, values in zip(lines[::2], lines[1::2], strict=True):
        if names.startswith("Ip:"):
            total += int(dict(zip(names.split(), values.split(), strict=True))["OutNoRoutes"])
    for line in Path("/proc/net/snmp6").read_text().splitlines() if Path("/proc/net/snmp6").exists() else ():
        name, value = line.split()
        total += int(value) if name == "Ip6OutNoRoutes" else 0
    return total


def leak(how: str) -> None:
    try:
        if how == LIBRARY:
            plain = ctypes.CDLL(None)
            handle = plain.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
            address = struct.pack("=H", socket.AF_INET) + struct.pack("!H", 9) + socket.inet_aton(ELSEWHERE[0])
            plain.connect(handle, address.ljust(16, b"\0"), 16)
        else:
            socket.create_connection(ELSEWHERE, timeout=1)
    except OSError:
        pass


def day(folder: Path) -> dict[str, int]:
    """Watch, tell, ask, look, forget, by hand and over the page."""
    import httpx

    from perstream.app import build
    from perstream.config import BackendConfig, Config, KeyframeConfig, ServerConfig
    from perstream.config_privacy import PrivacyConfig
    from perstream.lab.day.make import make_day
    from perstream.models.minilm_build import build as build_embedder
    from perstream.types import Selector
    from perstream.web.server import Server

    files = make_day(7, folder / "day", width=640, height=360, fps=6, rooms=2)
    config = Config(
        store=str(folder / "store"),
        backend=BackendConfig(name="builtin", embedder_path=str(build_embedder(folder / "embedder"))),
        keyframes=KeyframeConfig(max_side_px=640),
        server=ServerConfig(port=0),
        privacy=PrivacyConfig(masks=("*=0.9 0.9 0.1 0.1",), blur_faces=True, retention=("*=100y",)),
    )
    counts = {"words": 0, "answers": 0, "pages": 0}
    with build(config) as app, Server(app, config.server, app.store) as server:
        events = app.subscribe()
        app.warm()
        for fact in files.profile.read_text().splitlines():
            app.tell(fact)
        name = app.watch(str(files.video))
        while app.wait(name, 0.2) is None:
            app.live(name)
        for question in (
            "Where does my train leave?",
            "What did Marta say?",
            "What medicine do I take?",
            "What was last?",
        ):
            counts["answers"] += not app.ask(question).abstained
        app.recall("", image=files.video)
        counts["words"] = sum(one.said for one in app.proactive(100).words)
        headers = {"Authorization": f"Bearer {server.token_file.read_text().strip()}"}
        with httpx.Client(base_url=server.url, headers=headers, trust_env=False, timeout=30) as http:
            own = ("/", "/page/style.css", "/page/js/main.js", "/healthz", "/readyz", "/metrics")
            routes = (
                "status",
                "sources",
                "memories",
                "gaps",
                "proactive",
                "graph",
                "network",
                "retention",
                "openapi.json",
            )
            for path in (*own, *(f"/v1/{route}" for route in routes), f"/v1/sources/{name}/view"):
                counts["pages"] += http.get(path).status_code == 200
            http.post("/v1/ask", json={"question": "Where does my train leave?"})
            http.post("/v1/memories/1/clip")
            http.post("/v1/pause")
            http.post("/v1/resume")
        app.forget(Selector(source=name))
        app.retention(dry_run=False)
        app._memory.backup()
        events.close()
        network = app.network()
    counts["left_bytes"], counts["may_leave"] = network.left_bytes, int(network.leaves)
    return counts


def main() -> None:
    for name in OFFLINE:  # nothing may hold a library back but the program itself
        os.environ.pop(name, None)
    by_itself = alone()
    before = without_route() if by_itself else 0
    sys.addaudithook(hook)
    began = time.monotonic()
    if "--leak" in sys.argv:
        counts: dict[str, int] = {}
        leak(sys.argv[-1])
    else:
        counts = day(Path(sys.argv[1]))
    took = time.monotonic() - began
    lost = without_route() - before if by_itself else None
    print(json.dumps({"attempts": attempts, "without_route": lost, "took_s": round(took, 1), **counts}))


if __name__ == "__main__":
    main()
