"""The training loop: small steps, each sample of a step alone through the model, resumable to the bit.

A step's gradient is the mean over its samples, so that a long reply counts no more than a short one. The learning rate
rises over the first steps and falls to zero along a cosine: a function of the step alone, as is the order of the
samples. With the parameters, the optimizer's moments and the random states on disk, nothing else need be known.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from perstream.errors import BackendError
from perstream.lab.kit.train_log import TrainLog
from perstream.lab.kit.train_rows import Row
from perstream.lab.kit.train_state import (
    load_state,
    pack,
    random_states,
    save_state,
    set_random_states,
    unpack,
)
from perstream.models.omni.faults import spoken

WARM_UP = 0.03
"""Share of all steps over which the learning rate rises."""
LONGEST_GRADIENT = 1.0
STATE = "state"


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """How to train."""

    epochs: int = 3
    learning_rate: float = 2e-4
    accumulation: int = 8
    """Samples per optimizer step, over all processes."""
    save_every: int = 50
    """Steps between two checkpoints; the end of an epoch is one, too."""
    seed: int = 0


@dataclass(slots=True, eq=False)
class Loop:
    """One training. ``accelerator`` spreads each step's samples over its processes."""

    settings: LoopSettings
    name: str
    """Of the model, for errors."""
    module: Any
    """:func:`answer_loss`'s, prepared by the accelerator."""
    named: Mapping[str, Any]
    """What is trained, by name."""
    optimizer: Any
    scaler: Any
    accelerator: Any
    numbers: Callable[[], AbstractContextManager[Any]]
    """The context of a forward pass: autocast, or nothing."""
    row: Callable[[int], Row]
    order: Callable[[int], list[int]]
    """Places of the samples of an epoch, from 1."""
    evaluate: Callable[[], dict[str, float | None]]
    """On held-out samples, without changing anything."""
    keep: Callable[[list[dict[str, Any]], int], None]
    """Called after each epoch with all epochs' figures and the best one's number."""
    folder: Path
    run: str
    tell: Callable[[str], None]
    step: int = 0
    epochs: list[dict[str, Any]] = field(default_factory=list)

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps; the last one of an epoch may have fewer samples."""
        return -(-len(self.order(1)) // self.settings.accumulation)

    @property
    def total(self) -> int:
        """All optimizer steps."""
        return self.steps_per_epoch * self.settings.epochs

    @property
    def best(self) -> int:
        """Number of the epoch with the least held-out loss; 0 before the first."""
        return min(self.epochs, key=lambda one: one["val_loss"])["epoch"] if self.epochs else 0

    def resume(self) -> None:
        """Go on from the newest checkpoint, if there is one of this run. ConfigError for a damaged one."""
        found = sorted(self.folder.glob(f"{STATE}-*-0.safetensors"))
        if not found:
            return
        tensors, facts = load_state(found[-1])
        unpack(tensors, self.named, self.optimizer)
        self.scaler.load_state_dict(facts["scaler"])
        self.step, self.epochs = facts["step"], facts["epochs"]
        mine = self._state_path(self.step, self.accelerator.process_index)
        set_random_states(tensors if mine == found[-1] or not mine.is_file() else load_state(mine)[0])
        self.tell(f"lora: going on after step {self.step} of {self.total}")

    def train(self, log: TrainLog | None) -> None:
        """Until the end, with a checkpoint now and then. ``log`` is the main process's."""
        size, per_epoch, total = self.settings.accumulation, self.steps_per_epoch, self.total
        while self.step < total:
            epoch = self.step // per_epoch + 1
            order, at = self.order(epoch), (self.step % per_epoch) * size
            started = time.perf_counter()
            loss = self._step(order[at : at + size], self._rate(self.step, total))
            self.step += 1
            ended = self.step % per_epoch == 0
            if log is not None:
                seconds = time.perf_counter() - started
                log.add(self.step, {"epoch": epoch, "loss": loss, "lr": self._rate(self.step - 1, total), "seconds": round(seconds, 4)})  # fmt: skip
            if ended:
                self._finish(epoch, log)
            if ended or self.step % self.settings.save_every == 0:
                self._save()
            self.tell(f"lora: step {self.step}/{total}, epoch {epoch}, loss {loss:.4f}")

    def _step(self, places: Sequence[int], rate: float) -> float:
        """One optimizer step over these samples; their mean loss."""
        import torch

        world, index = self.accelerator.num_processes, self.accelerator.process_index
        mine = places[index::world]
        self.module.train()
        total = 0.0
        with spoken(self.name, "training"):
            for number in range(max(1, -(-len(places) // world))):
                last = number == -(-len(places) // world) - 1
                with nullcontext() if last else self.accelerator.no_sync(self.module):
                    # A process without a sample of its own goes along with another one's, at no weight.
                    place, weight = (mine[number], 1.0) if number < len(mine) else (places[0], 0.0)
                    with self.numbers():
                        loss = self.module(self.row(place))
                    # Processes' gradients are averaged: each counts its samples as a share of all, times the processes.
                    self.scaler.scale(loss * (weight * world / len(places))).backward()
                    total += float(loss.detach()) * weight
            self.scaler.unscale_(self.optimizer)
            torch.nn.utils.clip_grad_norm_(list(self.named.values()), LONGEST_GRADIENT)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            self.scaler.step(self.optimizer)
            self.scaler.update()
            self.optimizer.zero_grad()
        summed = self.accelerator.reduce(torch.tensor(total, device=self.accelerator.device), reduction="sum")
        mean = float(summed) / len(places)
        if not math.isfinite(mean):
            raise BackendError(f"the loss at step {self.step + 1} is no number: lower LEARNING_RATE, or use bf16")
        return mean

    def _rate(self, step: int, total: int) -> float:
        warm = max(1, round(WARM_UP * total))
        if step < warm:
            return self.settings.learning_rate * (step + 1) / warm
        return self.settings.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm)))

    def _finish(self, epoch: int, log: TrainLog | None) -> None:
        if self.accelerator.is_main_process:
            states = random_states()
            self.module.eval()
            figures = self.evaluate()
            set_random_states(states)  # whatever was measured, training goes on as without it
            self.epochs.append({"epoch": epoch, "step": self.step, **figures})
            if log is not None:
                log.add(self.step, {"epoch": epoch, **{k: v for k, v in figures.items() if v is not None}})
            f1 = figures["proactive_f1"]
            self.tell(
                f"lora: epoch {epoch}, held-out loss {figures['val_loss']:.4f}, "
                f"proactive F1 {'–' if f1 is None else f'{f1:.2f}'}"
            )
            self.keep(self.epochs, self.best)
        self.accelerator.wait_for_everyone()

    def _save(self) -> None:
        index = self.accelerator.process_index
        if index:
            save_state(self._state_path(self.step, index), random_states(), {"run": self.run, "step": self.step})
        self.accelerator.wait_for_everyone()
        if not index:
            tensors = {**pack(self.named, self.optimizer), **random_states()}
            facts = {"run": self.run, "step": self.step, "epochs": self.epochs, "scaler": self.scaler.state_dict()}
            here = self._state_path(self.step, 0)
            save_state(here, tensors, facts)
            for old in self.folder.glob(f"{STATE}-*.safetensors"):
                if not old.name.startswith(f"{STATE}-{self.step:08d}-"):
                    old.unlink(missing_ok=True)

    def _state_path(self, step: int, process: int) -> Path:
        return self.folder / f"{STATE}-{step:08d}-{process}.safetensors"
