"""Backends by name, and bundles whose parts come from several. Heavy libraries load when they are chosen."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

from perstream.config import BackendConfig, MomentConfig
from perstream.errors import BackendUnavailable
from perstream.models.choice import Choice, choose
from perstream.models.machine import look
from perstream.protocols import Backend, Sent

BACKENDS: Mapping[str, str] = {
    "builtin": "perstream.models.builtin",
    "qwen-omni": "perstream.models.omni.backend",
    "openai": "perstream.models.remote.backend",
    "scripted": "perstream.models.scripted",  # for tests: understands nothing
}
"""Name -> module that has ``load(config, moment) -> Backend``."""
CHOOSABLE = ("auto", "builtin", "qwen-omni", "openai")

log = logging.getLogger(__name__)


def auto_choice(config: BackendConfig, environ: Mapping[str, str] | None = None) -> Choice:
    """What ``auto`` means here. Looks at the machine only; loads nothing, downloads nothing."""
    return choose(config, look(config, environ))


def load_backend(config: BackendConfig, moment: MomentConfig) -> Backend:
    """The backend that the configuration names, with the parts that it wants of others.

    BackendUnavailable when one that was named cannot run here. ``auto`` falls back down its ladder instead, with
    one warning.
    """
    base = _down_the_ladder(config, moment) if config.name == "auto" else _load(config, moment)
    return _mixed(base, config, moment)


def _down_the_ladder(config: BackendConfig, moment: MomentConfig) -> Backend:
    failed: list[str] = []
    rungs = auto_choice(config).rungs
    for rung in rungs:
        try:
            backend = _load(rung.config, moment)
        except BackendUnavailable as error:
            if rung is rungs[-1]:
                raise
            failed.append(f"{rung.name} was tried and cannot run: {error}")
            continue
        if failed:
            log.warning("auto falls back to %s: %s", rung.name, "; ".join(failed))
        return replace(backend, notes=(*failed, f"auto took {rung.name}: {rung.why}", *backend.notes))
    raise AssertionError("the last rung either loads or raises")


def _load(config: BackendConfig, moment: MomentConfig) -> Backend:
    if config.name not in BACKENDS:
        raise BackendUnavailable(f"no backend {config.name!r}; there are: {', '.join(CHOOSABLE)}")
    load: Callable[[BackendConfig, MomentConfig], Backend] = importlib.import_module(BACKENDS[config.name]).load
    return load(config, moment)


def _mixed(base: Backend, config: BackendConfig, moment: MomentConfig) -> Backend:
    """``base`` with its eyes, its captions or its answers from other backends."""
    loaded = {base.name: base}

    def of(name: str) -> Backend:
        if not name:
            return base
        if name not in loaded:
            loaded[name] = _load(replace(config, name=name), moment)
        return loaded[name]

    try:
        vision, captions, answers = of(config.vision), of(config.captions), of(config.answers)
    except BaseException:
        for backend in loaded.values():
            backend.close()
        raise
    if len(loaded) == 1:
        return base
    everybody = tuple(loaded.values())

    def sent() -> tuple[Sent, ...]:
        return tuple(one for backend in everybody for one in backend.sent())

    def fell_back() -> Mapping[str, int]:
        return {key: count for backend in everybody for key, count in backend.fell_back().items()}

    def close() -> None:
        for backend in everybody:
            backend.close()

    return Backend(
        name=f"{base.name} (vision {vision.name}, captions {captions.name}, answers {answers.name})",
        vision=vision.vision,
        captioner=captions.captioner,
        triplets=captions.triplets,
        embedder=base.embedder,
        generator=answers.generator,
        project=vision.project,
        batch=vision.batch,
        looks_back=answers.looks_back and vision is answers,
        hears=captions.hears,
        slow=captions.slow,
        adapters=next((backend.adapters for backend in (answers, captions, base) if backend.adapters), None),
        sent=sent,
        spent=lambda: max(backend.spent() for backend in everybody),
        fell_back=fell_back,
        notes=tuple(note for backend in everybody for note in backend.notes),
        close=close,
    )
