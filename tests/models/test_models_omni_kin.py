"""Other families of the transformers library through the same engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch")
transformers = pytest.importorskip("transformers", reason="needs transformers")

from omni_world import NEVER, scores, whole  # noqa: E402
from tiny_kin import build_kin  # noqa: E402

from perstream.config import BackendConfig  # noqa: E402
from perstream.errors import BackendError, BackendUnavailable  # noqa: E402
from perstream.models.chat.messages import Message, Patches, Picture, Sampling, Sound  # noqa: E402
from perstream.models.omni.loaded import Loaded  # noqa: E402
from perstream.models.omni.loading import load_model  # noqa: E402
from perstream.models.omni.model import OmniChat  # noqa: E402
from perstream.models.omni.vision import OmniVision  # noqa: E402

PICTURE = np.random.default_rng(0).integers(0, 256, (112, 84, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def kin(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Loaded]:
    made: dict[str, Loaded] = {}

    def of(kind: str) -> Loaded:
        if kind not in made:
            loaded = load_model(BackendConfig(model_path=str(build_kin(tmp_path_factory.mktemp(kind), kind))))
            if kind == "llava":  # what a real checkpoint has in its processor_config.json
                loaded.processor.patch_size = 14
                loaded.processor.vision_feature_select_strategy = "default"
                loaded.processor.num_additional_image_tokens = 1
            if kind == "idefics3":
                loaded.processor.image_token = "<|IMAGE|>"
                loaded.processor.image_token_id = loaded.model.config.image_token_id
                loaded.processor.image_seq_len = 4
            made[kind] = loaded
        return made[kind]

    return of


def asked(*parts: Any) -> list[Message]:
    return [Message("user", parts)]


@pytest.mark.parametrize("kind", ["qwen2_5_vl", "qwen3_vl", "llava"])
def test_picture_path_is_the_librarys_own(kin: Callable[[str], Loaded], kind: str) -> None:
    from PIL import Image

    loaded = kin(kind)
    text = loaded.processor.apply_chat_template(
        [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "what?"}]}],
        add_generation_prompt=True,
        tokenize=False,
    )
    inputs = loaded.processor(text=[text], images=[Image.fromarray(PICTURE)], return_tensors="pt")
    with torch.inference_mode():
        expected = loaded.model(**inputs).logits[0]
    found = whole(loaded, asked(Picture(PICTURE), "what?"))
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize("kind", ["qwen2_5_vl", "llava", "idefics3"])
def test_stored_vectors_are_the_pixel_path(kin: Callable[[str], Loaded], kind: str) -> None:
    loaded = kin(kind)
    square = PICTURE[:84]
    side = {"qwen2_5_vl": 3, "llava": 4, "idefics3": 2}[kind]
    (stored,) = OmniVision(loaded, side).encode([square])
    seen, injected = (scores(loaded, asked(part, "what?")) for part in (Picture(square), Patches(stored)))
    blank = scores(loaded, asked(Patches(np.zeros_like(stored)), "what?"))
    assert (seen - injected).abs().max() < 5e-3 < (seen - blank).abs().max()
    mixed = asked("a", Patches(stored), "b", Picture(PICTURE), "c")
    assert OmniChat(loaded).reply(mixed, Sampling(max_new_tokens=4), lambda _: None, NEVER)


def test_pictures_at_several_depths_cannot_be_stored(kin: Callable[[str], Loaded]) -> None:
    loaded = kin("qwen3_vl")
    chat = OmniChat(loaded)
    assert chat.abilities.patch_dimension is None
    (stored,) = OmniVision(loaded, 2).encode([PICTURE])
    with pytest.raises(BackendError, match="no stored picture vectors"):
        chat.reply(asked(Patches(stored)), Sampling(), lambda _: None, NEVER)
    with pytest.raises(BackendError, match="takes no sound"):
        chat.reply(asked(Sound(np.zeros(1600, np.int16))), Sampling(), lambda _: None, NEVER)
    assert chat.reply(
        asked(Picture(PICTURE), "and", Picture(PICTURE)), Sampling(max_new_tokens=4), lambda _: None, NEVER
    )


def test_models_that_read_pictures_both_ways_are_refused(
    kin: Callable[[str], Loaded], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = kin("llava")

    def forward(input_ids: Any, token_type_ids: Any = None) -> Any:
        raise AssertionError

    monkeypatch.setattr(loaded.model, "forward", forward)
    with pytest.raises(BackendUnavailable, match="both directions"):
        OmniChat(loaded)


def test_vectors_that_make_no_grid_are_refused_at_once(
    kin: Callable[[str], Loaded], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = kin("llava")
    real = loaded.model.get_image_features

    def one_more(pixel_values: Any, return_dict: bool = True) -> Any:
        found = real(pixel_values=pixel_values, return_dict=True)
        found.pooler_output = [torch.cat([v, v[:1]]) for v in found.pooler_output]
        return found

    monkeypatch.setattr(loaded.model, "get_image_features", one_more)
    with pytest.raises(BackendUnavailable, match="do not make a grid"):
        OmniVision(loaded, 2)
