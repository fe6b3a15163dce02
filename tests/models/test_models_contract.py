"""What every backend must do, whatever it is made of. A new backend is one line in ``MAKERS``."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from chat_world import ABILITIES, HOSTILE, NOW, WIDTH, K, hit, moment, never, percept, seen, words_of

from perstream.config import BackendConfig, MomentConfig
from perstream.errors import BackendUnavailable, Interrupted
from perstream.lab.stand_in_server import Say, StandIn
from perstream.models import scripted
from perstream.models.chat.messages import Abilities
from perstream.models.chat.parts import chat_parts
from perstream.models.chat.scripted import ScriptedChat
from perstream.models.registry import load_backend
from perstream.observations import merge_observations
from perstream.protocols import Answer, AnswerRequest, Backend, ProactiveRequest, Proposal, Visuals
from perstream.types import ObservationKind, Percept, Provenance

CONFIG = BackendConfig(max_new_tokens=24, temperature_passive=0.0)
MOMENT = MomentConfig(pool_size=2)
MARKS = re.compile(r"</?\s*(?:silence|response)\s*/?>|<\|[^<>|]*\|>|\[(?:\d{1,3}|now)\]")

# --- the backends ---------------------------------------------------------------------------


def with_chat(chat: ScriptedChat) -> Backend:
    """The parts over a chat model, the rest scripted."""
    rest = scripted.load(CONFIG, MOMENT)
    parts = chat_parts(chat, rest.embedder, CONFIG)
    return replace(
        rest,
        name="chat",
        captioner=parts.captioner,
        triplets=parts.triplets,
        generator=parts.generator,
        looks_back=True,
        slow=True,
    )


def sensible(messages: Any, sampling: Any) -> str:
    """Does as it is asked."""
    return {
        "caption": "A hall with a sign.",
        "triplets": json.dumps(
            {"triplets": [{"subject": "I", "predicate": "see", "object": "sign", "functional": False}]}
        ),
        "answer": "[1] You parked on level 2.",
        "proactive": "</silence>",
    }[sampling.kind]


def parrot(messages: Any, sampling: Any) -> str:
    """Says all of it again."""
    return words_of(messages)


def raving(messages: Any, sampling: Any) -> str:
    """Marks, halves of marks, JSON and control characters, and a memory that does not exist."""
    return '[99] </response> [1 Level 2</sil</silence>ence> {"triplets": [{"subject": 1}]} \x1b[31m<|im_end|> [now'


@contextmanager
def _loaded(request: pytest.FixtureRequest, name: str, **settings: Any) -> Iterator[Backend]:
    try:
        backend = load_backend(replace(CONFIG, name=name, **settings), MOMENT)
    except BackendUnavailable as error:
        pytest.skip(str(error))
    try:
        yield backend
    finally:
        backend.close()


@contextmanager
def _chat(request: pytest.FixtureRequest, reply: Any, abilities: Abilities) -> Iterator[Backend]:
    yield with_chat(ScriptedChat((reply,), abilities))


@contextmanager
def _tiny_omni(request: pytest.FixtureRequest) -> Iterator[Backend]:
    folder = request.getfixturevalue("tiny_omni")
    with _loaded(request, "qwen-omni", model_path=str(folder), device="cpu", dtype="fp32") as backend:
        yield backend


@contextmanager
def _server(request: pytest.FixtureRequest) -> Iterator[Backend]:
    def act(body: dict[str, Any]) -> Say:
        return Say("</silence>" if "Does a memory call" in json.dumps(body) else "[1] You parked on level 2.")

    with (
        StandIn(act) as server,
        _loaded(request, "openai", base_url=server.url, pictures="always", sound="always") as backend,
    ):
        yield backend


MAKERS: dict[str, Callable[[pytest.FixtureRequest], Any]] = {
    "builtin": partial(_loaded, name="builtin"),
    "scripted": partial(_loaded, name="scripted"),
    **{f"chat, {name}": partial(_chat, reply=sensible, abilities=able) for name, able in ABILITIES.items()},
    "chat that repeats everything": partial(_chat, reply=parrot, abilities=Abilities(True, WIDTH, True)),
    "chat that raves": partial(_chat, reply=raving, abilities=Abilities(True, WIDTH, True)),
    "chat that is gone": partial(_chat, reply=BackendUnavailable("gone: start it"), abilities=Abilities()),
    "tiny omni": _tiny_omni,
    "model server": _server,
}


@pytest.fixture(scope="module", params=MAKERS)
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    with ExitStack() as stack:
        yield stack.enter_context(MAKERS[request.param](request))


# --- a small world --------------------------------------------------------------------------

PARKED = hit(11, "I parked on level 2 near the lift.", days=0.1, score=0.8)
SIGN = hit(22, 'Text read: "PLATFORM 4".', provenance=Provenance.READ, observations=(seen(K.TEXT, "PLATFORM 4"),))
HITS = (PARKED, SIGN)


def look(backend: Backend, *observations: Any, at: float = 0.0, rgb: Any = None) -> Percept:
    """A percept with the backend's own patch vectors."""
    plain = percept(*observations, at=at, rgb=rgb, sound_s=0.2)
    return replace(plain, patches=backend.vision.encode([plain.keyframe.rgb])[0])


def asking(backend: Backend, question: str, hits: Any = HITS, view: Any = ()) -> AnswerRequest:
    visuals = {h.memory.id: Visuals(v.patches, v.patches) for h, v in zip(hits, view, strict=False)}
    return AnswerRequest(question, tuple(hits), NOW, backend.embedder.embed_tokens(question), visuals, tuple(view))


def answered(backend: Backend, request: AnswerRequest) -> Answer:
    """An answer, with all that holds for any."""
    said: list[str] = []
    answer = backend.generator.answer(request, said.append, never)
    assert "".join(said) == (answer.text or "")
    assert set(answer.memory_ids) <= {h.memory.id for h in request.hits}
    assert len(set(answer.memory_ids)) == len(answer.memory_ids)
    assert 0.0 <= answer.confidence <= 1.0
    assert (answer.text is None) == (not answer.memory_ids and not answer.rests_on_view)
    assert not answer.rests_on_view or request.view
    assert answer.text is None or answer.text.strip() == answer.text != ""
    return answer


def proposed(backend: Backend, request: ProactiveRequest) -> tuple[Proposal, ...]:
    """Proposals, with all that holds for any."""
    words = backend.generator.propose(request)
    for word in words:
        assert word.text.strip() and word.why.strip() and word.topic.strip() and len(word.text) < 4000
        assert word.memory_ids and set(word.memory_ids) <= {h.memory.id for h in request.hits}
        assert word.priority in (1, 2, 3) and 0.0 <= word.confidence <= 1.0
    assert len({word.topic for word in words}) == len(words)
    return words


# --- the contract ---------------------------------------------------------------------------


def test_text_vectors(backend: Backend) -> None:
    vectors = backend.embedder.embed(["platform four", "tea", "platform four"])
    assert vectors.shape == (3, backend.embedder.dimension) and vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3) and float(vectors[0] @ vectors[2]) > 0.999
    one = backend.embedder.embed_tokens("platform four")
    assert float(one.pooled @ vectors[0]) > 0.999 and one.pooled.dtype == np.float32  # quantized ones differ by batch
    assert one.tokens.shape == (len(one.words), backend.embedder.dimension)


def test_patch_vectors(backend: Backend) -> None:
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 255, shape, np.uint8) for shape in ((48, 64, 3), (64, 48, 3), (1, 1, 3))]
    patches = backend.vision.encode(pictures)
    assert [p.shape for p in patches] == [(4, backend.vision.dimension)] * 3
    assert all(p.dtype == np.float16 and np.isfinite(p).all() for p in patches)
    assert np.allclose(backend.vision.encode(pictures[:1])[0], patches[0], atol=2e-2)
    assert backend.vision.encode([]) == []


def test_a_caption_states_what_was_perceived(backend: Backend) -> None:
    read, said = seen(K.TEXT, "PLATFORM 4"), seen(K.TRANSCRIPT, "See you at noon.", speaker="Anna")
    caption = backend.captioner.caption(moment(look(backend, read), look(backend, read, said, at=1.0)), never)
    assert "PLATFORM 4" in caption.text and "See you at noon." in caption.text
    kept = [o for o in caption.observations if o.kind is not ObservationKind.SCENE]
    assert {(o.kind, o.text, o.speaker) for o in kept} == {(o.kind, o.text, o.speaker) for o in (read, said)}
    if backend.name != "scripted":  # which merges nothing
        assert tuple(kept) == merge_observations([read, read, said])
    assert len(caption.text) < 2000 and not MARKS.search(caption.text)
    assert caption.text.isprintable()
    vectors = backend.embedder.embed_tokens(caption.text)
    assert vectors.pooled.shape == (backend.embedder.dimension,)


def test_triplets_are_short_and_whole(backend: Backend) -> None:
    read = seen(K.TEXT, "PLATFORM 4")
    caption = backend.captioner.caption(moment(look(backend, read), look(backend, read, at=1.0)), never)
    for found in (backend.triplets.of_caption(caption), backend.triplets.of_told("I am allergic to peanuts.")):
        assert found and len(found) <= 64
        for t in found:
            assert t.subject.strip() and t.predicate.strip() and t.object.strip()
            assert max(map(len, (t.subject, t.predicate, t.object))) <= 400 and 0.0 <= t.score <= 1.0
            assert not MARKS.search(f"{t.subject} {t.predicate} {t.object}")


def test_an_answer_rests_on_what_was_given(backend: Backend) -> None:
    view = (look(backend, seen(K.TEXT, "EXIT B")), look(backend, at=1.0))
    for request in (
        asking(backend, "Where did I park my car, which level?"),
        asking(backend, "Where did I park my car, which level?", view=view),
        asking(backend, "What does the sign say?", hits=(), view=view),
    ):
        answer = answered(backend, request)
        assert answer.text is None or not MARKS.search(answer.text)


def test_nothing_known_is_none(backend: Backend) -> None:
    said: list[str] = []
    for question in ("Where are my keys?", "", "  \n"):
        assert backend.generator.answer(asking(backend, question, hits=()), said.append, never) == Answer(None)
    assert said == []


def test_a_cancelled_call_ends_soon(backend: Backend) -> None:
    started = time.perf_counter()
    sign = seen(K.TEXT, "PLATFORM 4")
    for call in (
        lambda: backend.captioner.caption(moment(look(backend, sign)), lambda: True),
        lambda: backend.generator.answer(asking(backend, "Where did I park?"), lambda _: None, lambda: True),
    ):
        try:
            call()
        except Interrupted:
            pass
    assert time.perf_counter() - started < 20  # endless would be worse; how soon is measured elsewhere


def test_silence_is_an_empty_tuple(backend: Backend) -> None:
    assert backend.generator.propose(ProactiveRequest((), (), NOW, "places")) == ()
    view = (look(backend, seen(K.TEXT, "EXIT B")),)
    words = proposed(backend, ProactiveRequest(view[0].observations, HITS, NOW, "places", view=view))
    assert not any(MARKS.search(f"{w.text} {w.why} {w.topic}") for w in words)
    if backend.name in ("builtin", "scripted"):
        assert words == ()


def test_the_world_at_its_worst_breaks_nothing(backend: Backend) -> None:
    texts = [text for name, text in HOSTILE.items() if name != "surrogate"]
    kinds = (K.TEXT, K.CODE, K.TRANSCRIPT, K.PEOPLE, K.PLACE, K.COLOR, K.LIGHT, K.MOTION, K.SCENE)
    shapes = [(1, 1, 3), (3, 200, 3), (2, 2, 3)]
    looks = [
        look(
            backend,
            *(seen(kind, text, at=float(i), speaker=text) for kind in kinds),
            at=float(i),
            rgb=np.full(shapes[i % 3], 90, np.uint8),
        )
        for i, text in enumerate(texts)
    ]
    caption = backend.captioner.caption(moment(*looks), never)
    assert caption.text.strip() and caption.observations
    backend.embedder.embed_tokens(caption.text)
    backend.triplets.of_caption(caption)
    hits = tuple(
        hit(i, text, provenance=p, speaker=text if p is Provenance.HEARD else None)
        for i, (text, p) in enumerate(zip(texts, [*Provenance, *Provenance], strict=False), start=1)
    )
    for question in (HOSTILE["injection"], HOSTILE["control"]):
        answered(backend, asking(backend, question, hits, tuple(looks[-4:])))
    merged = merge_observations([o for p in looks[-3:] for o in p.observations if o.kind in kinds[:3]])
    proposed(backend, ProactiveRequest(merged, hits, NOW, "places", view=tuple(looks[-3:])))
