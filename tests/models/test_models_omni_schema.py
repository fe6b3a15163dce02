"""JSON that a model cannot leave, where xgrammar is installed; and the same answers without it."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs torch")
pytest.importorskip("transformers", reason="needs transformers")

from omni_world import NEVER, turns  # noqa: E402

from perstream.models.chat.messages import Sampling  # noqa: E402
from perstream.models.chat.prompts import TRIPLET_SCHEMA  # noqa: E402
from perstream.models.omni.loaded import Loaded  # noqa: E402
from perstream.models.omni.model import OmniChat  # noqa: E402
from perstream.models.omni.schema import Schemas  # noqa: E402

SMALL = {
    "type": "object",
    "properties": {"color": {"enum": ["red", "blue"]}, "seen": {"type": "boolean"}},
    "required": ["color", "seen"],
    "additionalProperties": False,
}


def test_without_the_library_the_model_is_free(loaded_omni: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xgrammar", None)
    schemas = Schemas(loaded_omni)
    assert not schemas.available and schemas.held_to(TRIPLET_SCHEMA) == ()
    chat = OmniChat(loaded_omni)
    plain, asked = (
        chat.reply(turns("Facts?"), Sampling(max_new_tokens=6, schema=schema), lambda _: None, NEVER)
        for schema in (None, TRIPLET_SCHEMA)
    )
    assert plain == asked


@pytest.mark.parametrize("seed", range(4))
def test_whatever_it_says_is_json_of_the_schema(loaded_omni: Loaded, seed: int) -> None:
    pytest.importorskip("xgrammar", reason="needs xgrammar")
    torch.manual_seed(seed)
    chat = OmniChat(loaded_omni)
    said: list[str] = []
    sampling = Sampling(max_new_tokens=200, temperature=1.5, schema=SMALL)
    value = json.loads(chat.reply(turns("Which?"), sampling, said.append, NEVER))
    assert set(value) == {"color", "seen"} and value["color"] in ("red", "blue") and value["seen"] in (True, False)
    assert "".join(said).startswith("{")


def test_one_schema_many_answers_and_one_that_cannot_be_held(loaded_omni: Loaded, caplog: Any) -> None:
    pytest.importorskip("xgrammar", reason="needs xgrammar")
    schemas = Schemas(loaded_omni)
    first, second = schemas.held_to(SMALL), schemas.held_to(SMALL)
    assert first and second and first[0] is not second[0]
    assert schemas.held_to(TRIPLET_SCHEMA)
    assert schemas.held_to({"type": "no such type"}) == ()
    assert "not held" in caplog.text
