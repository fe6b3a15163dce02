"""Which files and streams a caller may name, by what its token may do."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from web_fakes import ScriptedHouse

from perstream.app import build
from perstream.config import BackendConfig, Config, ServerConfig, SourceConfig
from perstream.errors import SourceError
from perstream.sources.confine import named_file
from perstream.web.scopes import Scope
from perstream.web.server import Server
from perstream.web.token import read_token
from perstream.web.tokens import Tokens


class World:
    """A server, a folder that others may use, one that they may not, and a token of each kind."""

    def __init__(self, server: Server, house: ScriptedHouse, root: Path) -> None:
        self.server, self.house, self.root = server, house, root
        self.store, self.shared, self.private = (root / name for name in ("store", "shared", "private"))
        _, self.writer = Tokens(self.store).create("w", Scope.WRITE)
        self.owner = read_token(self.store)

    def post(self, token: str, path: str, body: dict[str, object]) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.post(self.server.url + path, json=body, headers=headers, trust_env=False, timeout=10)

    def watch(self, token: str, uri: object) -> httpx.Response:
        return self.post(token, "/v1/sources", {"uri": str(uri)})


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    for name in ("store", "shared", "private"):
        (tmp_path / name).mkdir()
    for name in ("shared/a.mp4", "private/a.mp4", "private/deep.mp4"):
        (tmp_path / name).write_bytes(b"x")
    house = ScriptedHouse()
    shared = (str(tmp_path / "shared"),)
    with Server(house, ServerConfig(port=0), tmp_path / "store", folders=shared) as server:
        yield World(server, house, tmp_path)


def test_the_owner_names_any_file_and_others_those_of_the_folders(world: World) -> None:
    for token, path, good in (
        (world.owner, world.shared / "a.mp4", True),
        (world.owner, world.private / "a.mp4", True),
        (world.writer, world.shared / "a.mp4", True),
        (world.writer, world.private / "a.mp4", False),
        (world.writer, world.shared / ".." / "private" / "a.mp4", False),
        (world.writer, "~/a.mp4", False),
        (world.writer, "/", False),
        (world.writer, world.root, False),
    ):
        assert world.watch(token, path).status_code == (201 if good else 422), path
        searched = world.post(token, "/v1/recall", {"image": str(path)})
        assert searched.status_code == (200 if good else 422), path
    assert world.watch(world.writer, world.shared).status_code == 201
    assert world.post(world.writer, "/v1/recall", {"image": str(world.shared)}).status_code == 422


def test_nothing_is_said_of_files_elsewhere(world: World) -> None:
    said = {world.watch(world.writer, world.private / name).json()["detail"] for name in ("a.mp4", "no.mp4", "a.mp4/x")}
    assert len(said) == 1 and "source.folders" in said.pop()


def test_links_are_followed_before_it_is_judged(world: World) -> None:
    (world.shared / "link.mp4").symlink_to(world.private / "a.mp4")
    assert world.watch(world.writer, world.shared / "link.mp4").status_code == 422
    assert world.watch(world.writer, world.shared).status_code == 422  # the folder holds one that leads elsewhere
    (world.private / "in.mp4").symlink_to(world.shared / "a.mp4")
    assert world.watch(world.writer, world.private / "in.mp4").status_code == 201
    (world.shared / "round").symlink_to(world.shared / "round")
    assert world.watch(world.writer, world.shared / "round").status_code == 422


def test_the_stores_own_files_are_no_source_for_anybody(world: World) -> None:
    (world.store / "picture.jpg").write_bytes(b"x")
    (world.private / "link.jpg").symlink_to(world.store / "picture.jpg")
    for path in (world.store, world.store / "token", world.store / "picture.jpg", world.private / "link.jpg"):
        assert world.watch(world.owner, path).status_code == 422
        assert world.post(world.owner, "/v1/recall", {"image": str(path)}).status_code == 422
    assert not world.house.watched


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no such files here")
def test_what_is_no_regular_file_is_refused(world: World) -> None:
    os.mkfifo(world.shared / "pipe.mp4")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(world.shared / "sock.mp4"))
        for path in (world.shared / "pipe.mp4", world.shared / "sock.mp4", "/dev/zero", "/proc/self/mem", "/dev/stdin"):
            assert world.watch(world.owner, path).status_code == 422, path


@pytest.mark.parametrize("name", ["a.mp4", "", "x" * 5000, "a\x00b", "~nobody-here/x", "\udcff"])
def test_names_that_are_no_paths(tmp_path: Path, name: str) -> None:
    for folders in (None, (), ("relative",)):
        with pytest.raises(SourceError):
            named_file(name, tmp_path / "store", folders)


def test_only_the_owner_may_name_this_machine(world: World) -> None:
    for token, trusted in ((world.owner, True), (world.writer, False)):
        assert world.watch(token, "rtsp://localhost/cam").status_code == 201
        assert world.house.trusted is trusted
    assert world.watch(world.owner, "rtmp://cam/x").status_code == 422


def test_in_the_real_house_others_get_no_stream_of_this_machine(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.settimeout(0.05)
        config = Config(
            store=str(tmp_path), backend=BackendConfig(name="scripted"), source=SourceConfig(open_deadline_s=8.0)
        )
        with build(config) as app, Server(app, ServerConfig(port=0), tmp_path) as server:
            _, token = Tokens(tmp_path).create("w", Scope.WRITE)
            answer = httpx.post(
                f"{server.url}/v1/sources",
                json={"uri": f"http://localhost:{trap.getsockname()[1]}/x"},
                headers={"Authorization": f"Bearer {token}"},
                trust_env=False,
                timeout=20,
            )
        assert answer.status_code == 422 and "source.allow_hosts" in answer.json()["detail"]
        with pytest.raises(TimeoutError):
            trap.accept()
