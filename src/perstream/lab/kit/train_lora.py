"""LoRA training from records to an adapter that the daemon loads."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import asdict, replace
from datetime import timedelta
from functools import lru_cache
from typing import Any

from perstream.config import BackendConfig, Config
from perstream.errors import BackendUnavailable, ConfigError
from perstream.lab.embed_cache import CachedEmbedder
from perstream.lab.kit.journal import fingerprint
from perstream.lab.kit.lora import put_on, save_adapter, trained
from perstream.lab.kit.lora_job import (
    LoraJob,
    check_job,
    counts_of,
    read_data,
    settings_of,
    spread_over,
    with_view,
)
from perstream.lab.kit.memory_cache import EMBEDDINGS
from perstream.lab.kit.model_card import write_card
from perstream.lab.kit.patch_cache import PatchCache
from perstream.lab.kit.train_eval import HeldOut, measure
from perstream.lab.kit.train_log import TrainLog
from perstream.lab.kit.train_loop import Loop
from perstream.lab.kit.train_output import claim, finished, write_report
from perstream.lab.kit.train_rows import Row, answer_loss, row_of
from perstream.lab.kit.train_samples import TrainSample, epoch_order, train_samples, view_of
from perstream.lab.kit.train_views import views_for
from perstream.models.omni.loaded import Loaded
from perstream.models.omni.loading import load_model
from perstream.models.omni.model import OmniChat
from perstream.protocols import TextEmbedder

Tell = Callable[[str], None]


def run_lora(
    job: LoraJob,
    embedder: TextEmbedder | None = None,
    tell: Tell = lambda line: print(line, file=sys.stderr, flush=True),
) -> dict[str, Any]:
    """Train, and return the report. Interrupted, the same call goes on from the last checkpoint.

    ConfigError, NotFound and BackendUnavailable say in one line what is wrong with data, settings or the machine.
    """
    check_job(job)
    data = read_data(job)
    run = fingerprint(
        data.records, job.backend.model_path, job.backend.load_in, job.backend.dtype, job.memory_only,
        job.skip_missing, job.pool_size, job.silence_share, job.abstain_share, asdict(job.loop), asdict(job.lora),
    )  # fmt: skip
    accelerator = _accelerator(job)
    tell = tell if accelerator.is_main_process else lambda _: None
    if accelerator.is_main_process:
        claim(job.output, run, fresh=job.fresh)
    accelerator.wait_for_everyone()
    done = finished(job.output)
    if done is not None:
        tell(f"lora: {job.output} is trained already (--fresh trains anew)")
        return done
    with ExitStack() as stack:
        loaded = load_model(_placed(job.backend), note=tell)
        chat = OmniChat(loaded)
        views = None
        if not job.memory_only:
            views = stack.enter_context(
                views_for(job, data.part((*data.train, *data.val))[0].cases, loaded, accelerator, tell)
            )
        if embedder is None:
            from perstream.models.minilm import MiniLM

            embedder = MiniLM()
        known = job.cache / EMBEDDINGS if job.cache is not None and (job.cache / EMBEDDINGS).is_dir() else None
        cached = stack.enter_context(CachedEmbedder(embedder, known))
        samples, held = data.part(data.train), data.part(data.val)
        made = list(train_samples(*samples, cached, Config(), abstain_share=job.abstain_share, tell=tell))
        # What is held out is asked as it stands: no memories are left out on purpose.
        val = list(train_samples(*held, cached, Config(), abstain_share=0.0, tell=tell))
        train, val, left_out = with_view(made, val, views, job.skip_missing)
        if not train or not val:
            raise ConfigError(f"{len(train)} records to train on and {len(val)} held out are left: too few")
        return _train(job, run, loaded, chat, views, train, val, (data.invalid, left_out), accelerator, tell)


def _train(
    job: LoraJob,
    run: str,
    loaded: Loaded,
    chat: OmniChat,
    views: PatchCache | None,
    train: Sequence[TrainSample],
    val: Sequence[TrainSample],
    left_out: tuple[int, int],
    accelerator: Any,
    tell: Tell,
) -> dict[str, Any]:
    import torch

    def laid_out(sample: TrainSample) -> tuple[Any, Row]:
        prompt, reply = sample.prompt(chat.abilities, view_of(views, sample.case) if views is not None else ())
        return prompt, row_of(loaded, prompt.messages, reply)

    def held_out() -> Iterator[HeldOut]:
        for sample in spread_over(val, job.eval_samples):
            prompt, row = laid_out(sample)
            yield HeldOut(prompt.messages, row, sample.case.passive, sample.speaks)

    wrapped = put_on(loaded, job.lora, job.loop.seed, checkpointing=job.checkpointing)
    named = trained(wrapped)
    optimizer = torch.optim.AdamW(list(named.values()), lr=job.loop.learning_rate, weight_decay=0.0)
    loss = answer_loss(loaded)
    module = accelerator.prepare_model(loss, device_placement=False) if accelerator.num_processes > 1 else loss
    numbers = _numbers(loaded)
    counts = counts_of(train, val, left_out, job)
    settings = settings_of(job, loaded, named)

    def keep(epochs: list[dict[str, Any]], best: int) -> None:
        if best == epochs[-1]["epoch"]:
            save_adapter(wrapped, job.output, loaded.name)
        write_card(job.output, loaded.name, counts, settings, epochs, best, sys.argv)

    loop = Loop(
        settings=job.loop,
        name=loaded.name,
        module=module,
        named=named,
        optimizer=optimizer,
        scaler=torch.amp.GradScaler("cuda", enabled=loaded.dtype == "fp16" and loaded.device.startswith("cuda")),
        accelerator=accelerator,
        numbers=numbers,
        row=lambda place: laid_out(train[place])[1],
        order=lru_cache(maxsize=2)(lambda epoch: epoch_order(train, epoch, job.loop.seed, job.silence_share)),
        evaluate=lambda: _measured(chat, held_out(), loss, numbers),
        keep=keep,
        folder=job.output,
        run=run,
        tell=tell,
    )
    loop.resume()
    log = TrainLog(job.output, loop.step) if accelerator.is_main_process else None
    loop.train(log)
    report = {
        "output": str(job.output), "base": loaded.name, "counts": counts, "settings": settings, "epochs": loop.epochs,
        "best_epoch": loop.best, "steps": loop.step, "command": sys.argv,
    }  # fmt: skip
    if log is not None:
        report["curve"] = [str(path) for path in log.draw(f"LoRA adapter of {loaded.name}")]
        log.close()
        write_report(job.output, report)
    return report


def _measured(chat: OmniChat, samples: Iterable[HeldOut], loss: Any, numbers: Any) -> dict[str, float | None]:
    chat.forget_prefixes()  # they were read with other weights
    return measure(samples, loss, chat, numbers)


def _accelerator(job: LoraJob) -> Any:
    """Of the accelerate library: one process, or as many as ``accelerate launch`` started."""
    try:
        accelerate: Any = importlib.import_module("accelerate")
    except ImportError as error:
        raise BackendUnavailable("training an adapter needs accelerate: pip install 'perstream[train]'") from error
    # The others wait while the main process measures held-out records.
    patient = accelerate.InitProcessGroupKwargs(timeout=timedelta(hours=4))
    return accelerate.Accelerator(cpu=job.backend.device == "cpu", kwargs_handlers=[patient])


def _placed(config: BackendConfig) -> BackendConfig:
    """With each process on a GPU of its own."""
    rank = os.environ.get("LOCAL_RANK")
    return replace(config, device=f"cuda:{int(rank)}") if rank is not None and config.device == "auto" else config


def _numbers(loaded: Loaded) -> Callable[[], AbstractContextManager[Any]]:
    """Autocast for a model in half precision: the adapter itself stays in fp32."""
    import torch

    kinds = {"bf16": torch.bfloat16, "fp16": torch.float16}
    if loaded.dtype not in kinds:
        return nullcontext
    return lambda: torch.autocast(loaded.device.split(":")[0], kinds[loaded.dtype])
