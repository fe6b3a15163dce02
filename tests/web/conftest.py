from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from web_fakes import ScriptedHouse

from perstream.config import ServerConfig
from perstream.web.client import Client
from perstream.web.server import Server
from perstream.web.token import read_token


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, ScriptedHouse, Path]]:
    """A real server on a free loopback port; starting one for each test would be slow."""
    house, store = ScriptedHouse(), tmp_path_factory.mktemp("store")
    with Server(house, ServerConfig(port=0, max_body_kb=64), store) as running:
        yield running, house, store


@pytest.fixture
def house(shared: tuple[Server, ScriptedHouse, Path]) -> ScriptedHouse:
    """The scripted house behind ``server``."""
    shared[1].reset()
    return shared[1]


@pytest.fixture
def server(shared: tuple[Server, ScriptedHouse, Path], house: ScriptedHouse) -> Server:
    return shared[0]


@pytest.fixture
def store(shared: tuple[Server, ScriptedHouse, Path]) -> Path:
    """The store's folder of ``server``."""
    return shared[2]


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server of this test alone, over the store ``tmp_path``."""
    with Server(ScriptedHouse(), ServerConfig(port=0), tmp_path) as running:
        yield running


@pytest.fixture
def http(server: Server, store: Path) -> Iterator[httpx.Client]:
    """A client that knows the token."""
    headers = {"Authorization": f"Bearer {read_token(store)}"}
    with httpx.Client(base_url=server.url, headers=headers, trust_env=False, timeout=10) as client:
        yield client


@pytest.fixture
def client(server: Server, store: Path) -> Iterator[Client]:
    with Client(store) as speaking:
        yield speaking
