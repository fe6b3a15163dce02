"""Fitting the projection MLP: frames near their captions, far from those of other moments.

A frame's vector is what the daemon's gate makes of it: the mean of its projected patches, each of length 1. The loss is
the symmetric InfoNCE of CLIP (arXiv:2103.00020, section 2.3), with all captions of one wording as positives of each
other (supervised contrast, arXiv:2004.11362, equation 2), because a day has many frames of "eating"; plus one minus the
cosine, which InfoNCE alone leaves free: captions stay where the sentence model put them, and the gate compares with
other texts of that space.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from perstream.lab.kit.pairs import PairSet
from perstream.lab.kit.train_state import load_state, pack, save_state, unpack
from perstream.models.omni.projection import Projection
from perstream.types import FloatArray

TEMPERATURE = 0.07
PULL = 0.5
"""Weight of one minus the cosine."""
WEIGHT_DECAY = 1e-2
LEAST_HIDDEN, MOST_HIDDEN = 128, 1024
LOOKED_AT = 128
"""Frames from which the inputs' mean and spread are taken."""


@dataclass(frozen=True, slots=True)
class FitSettings:
    """How to fit."""

    epochs: int = 50
    learning_rate: float = 1e-3
    batch: int = 32
    patience: int = 8
    """Epochs without a better held-out loss after which it ends."""
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """What came of it."""

    weights: dict[str, FloatArray]
    """``first``, ``first_bias``, ``second``, ``second_bias`` of a Projection: of the best epoch."""
    history: tuple[dict[str, float], ...]
    """Per epoch: ``epoch``, ``train_loss``, ``val_loss``."""
    best_epoch: int


def fit(train: PairSet, val: PairSet, settings: FitSettings, state: Path, run: str, tell: Callable[[str], None]) -> Fit:
    """Fit to ``train``, choose the epoch on ``val``. ``state`` holds where it stands, for the run of that fingerprint."""
    import torch

    sample = train.patches(_spread(len(train), LOOKED_AT)).astype(np.float32).reshape(-1, train.patches([0]).shape[2])
    mean, spread = sample.mean(axis=0), sample.std(axis=0) + 1e-6
    model = _Mlp(sample.shape[1], train.vectors.shape[1], settings.seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate, weight_decay=WEIGHT_DECAY)
    history: list[dict[str, float]] = []
    best = {name: value.detach().clone() for name, value in model.named.items()}
    if state.is_file():
        tensors, facts = load_state(state)
        if facts.get("run") == run:
            unpack(
                {key: value for key, value in tensors.items() if not key.startswith("best.")}, model.named, optimizer
            )
            best = {name: tensors[f"best.{name}"] for name in best}
            history = facts["history"]
            tell(f"projection: going on after epoch {len(history)}")
    while len(history) < settings.epochs and len(history) - _best(history) <= settings.patience:
        epoch = len(history) + 1
        order = np.random.default_rng((settings.seed, epoch)).permutation(len(train))
        losses = []
        for start in range(0, len(order), settings.batch):
            loss = _loss(model, train, order[start : start + settings.batch].tolist(), mean, spread)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
        history.append({"epoch": epoch, "train_loss": float(np.mean(losses)), "val_loss": _held_out(model, val, settings.batch, mean, spread)})  # fmt: skip
        if _best(history) == epoch:
            best = {name: value.detach().clone() for name, value in model.named.items()}
        tensors = {**pack(model.named, optimizer), **{f"best.{name}": value for name, value in best.items()}}
        save_state(state, tensors, {"run": run, "history": history})
        tell("projection: epoch {epoch:.0f}, loss {train_loss:.4f}, held-out loss {val_loss:.4f}".format(**history[-1]))
    return Fit(_folded(best, mean, spread), tuple(history), _best(history))


def frame_vectors(projection: Projection, pairs: PairSet) -> FloatArray:
    """What the gate compares: for each pair the mean of its projected patches, of length 1. [pairs, dimension]"""
    rows = []
    for place in range(len(pairs)):
        row = projection(pairs.patches([place])[0]).mean(axis=0)
        rows.append(row / max(float(np.linalg.norm(row)), 1e-12))
    return np.asarray(rows, np.float32)


class _Mlp:
    """Two layers with a GELU between them, as ``perstream.models.omni.projection`` runs them."""

    def __init__(self, wide: int, out: int, seed: int) -> None:
        import torch

        hidden = min(MOST_HIDDEN, max(LEAST_HIDDEN, wide))
        made = torch.Generator().manual_seed(seed)

        def drawn(*shape: int) -> Any:
            return torch.nn.Parameter(torch.randn(*shape, generator=made) / shape[-1] ** 0.5)

        self.named = {
            "first": drawn(hidden, wide),
            "first_bias": torch.nn.Parameter(torch.zeros(hidden)),
            "second": drawn(out, hidden),
            "second_bias": torch.nn.Parameter(torch.zeros(out)),
        }

    def parameters(self) -> list[Any]:
        return list(self.named.values())

    def __call__(self, patches: Any) -> Any:
        """[n, patches, wide] to one vector of length 1 each, [n, out]."""
        from torch.nn.functional import gelu, linear, normalize

        n = self.named
        projected = linear(gelu(linear(patches, n["first"], n["first_bias"]), approximate="tanh"), n["second"], n["second_bias"])  # fmt: skip
        return normalize(normalize(projected, dim=-1).mean(dim=1), dim=-1)


def _loss(model: _Mlp, pairs: PairSet, places: list[int], mean: FloatArray, spread: FloatArray) -> Any:
    import torch

    patches = torch.from_numpy((pairs.patches(places).astype(np.float32) - mean) / spread)
    rows = torch.tensor([pairs.captions[place] for place in places])
    frames, captions = model(patches), torch.from_numpy(pairs.vectors)[rows]
    same = (rows[:, None] == rows[None, :]).float()
    wanted = same / same.sum(dim=1, keepdim=True)
    scores = frames @ captions.T / TEMPERATURE
    contrast = -(wanted * (scores.log_softmax(1) + scores.T.log_softmax(1))).sum(dim=1).mean() / 2
    return contrast + PULL * (1 - (frames * captions).sum(dim=1)).mean()


def _held_out(model: _Mlp, pairs: PairSet, batch: int, mean: FloatArray, spread: FloatArray) -> float:
    import torch

    order = np.random.default_rng(0).permutation(len(pairs))  # the same mix of captions in every epoch
    with torch.no_grad():
        parts = [order[start : start + batch].tolist() for start in range(0, len(order), batch)]
        losses = [float(_loss(model, pairs, part, mean, spread)) * len(part) for part in parts]
    return sum(losses) / max(1, len(pairs))


def _best(history: list[dict[str, float]]) -> int:
    """Number of the epoch with the least held-out loss; 0 before the first."""
    return min(range(len(history)), key=lambda i: history[i]["val_loss"]) + 1 if history else 0


def _folded(named: dict[str, Any], mean: FloatArray, spread: FloatArray) -> dict[str, FloatArray]:
    """With the scaling of the inputs put into the first layer: the saved projection takes vectors as they are."""
    arrays = {name: value.numpy().astype(np.float64) for name, value in named.items()}
    first = arrays["first"] / spread
    arrays["first_bias"] = arrays["first_bias"] - first @ mean
    arrays["first"] = first
    return {name: value.astype(np.float32) for name, value in arrays.items()}


def _spread(count: int, most: int) -> list[int]:
    return sorted({round(place) for place in np.linspace(0, count - 1, min(count, most))})
