"""Whatever fits the API's description, or nearly does, gets an answer that is described: no 5xx, no other shape."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress

import pytest

pytest.importorskip("schemathesis", reason="schemathesis is not installed")

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from perstream.app import build
from perstream.config import BackendConfig, Config, ServerConfig, SourceConfig
from perstream.web.api import create_api, guarded
from perstream.web.devices import Devices
from perstream.web.keys import Keys
from perstream.web.limits import Limits
from perstream.web.pairing import Pairing
from perstream.web.token import ensure_token

EXAMPLES = int(os.environ.get("PERSTREAM_SCHEMA_EXAMPLES", "8"))
"""Per operation and kind of data; a longer run sets more."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
ENDLESS = "/v1/events"


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[object, str]]:
    """The description over a real house behind its doorkeeper, and the owner's token."""
    store = tmp_path_factory.mktemp("store")
    sources = SourceConfig(open_deadline_s=0.5)
    config = Config(store=str(store), backend=BackendConfig(name="scripted"), source=sources)
    limits = ServerConfig(requests_per_s=10_000)
    with build(config) as app:
        for text in ("Anna likes tea", "The dentist is on 3 June at 9:00", "Ben's car is blue"):
            app.tell(text)
        pairing = Pairing(Devices(store), "https://127.0.0.1:1", "AA")
        api = create_api(app, limits, store, pairing=pairing)
        guard = guarded(api, limits, Keys(store), Limits(limits), ["testserver"])
        schema = schemathesis.openapi.from_dict(api.openapi())
        schema.app = guard
        yield schema, ensure_token(store)


def operations() -> list[str]:
    from perstream.lab.docs import openapi_file

    spec = json.loads(openapi_file())
    return [f"{method.upper()} {path}" for path, ways in spec["paths"].items() for method in ways if path != ENDLESS]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["fits", "does not fit"])
@pytest.mark.parametrize("called", operations())
def test_every_answer_is_one_that_is_described(
    described: tuple[object, str], called: str, mode: GenerationMode
) -> None:
    schema, token = described
    method, path = called.split()
    operation = schema[path][method]  # type: ignore[index]
    headers = {"Authorization": f"Bearer {token}"}

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        case.call_and_validate(headers=headers, checks=CHECKS)

    with suppress(Unsatisfiable):  # nothing about a call without parameters can be wrong
        ask()
