"""What torch raises while a model runs, said in one line that helps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from perstream.errors import BackendError, BackendUnavailable

Item = TypeVar("Item")
Made = TypeVar("Made")


class OutOfMemory(BackendError):
    """The device has no room for this step; a smaller one may still pass."""


@contextmanager
def spoken(name: str, doing: str) -> Iterator[None]:
    """Turn torch's errors into the tree of errors: OutOfMemory, BackendUnavailable for a lost device, BackendError."""
    import torch

    try:
        yield
    except torch.OutOfMemoryError as error:
        raise OutOfMemory(
            f"{name} ran out of GPU memory while {doing}: use --load-in 4bit, a smaller moment.pool_size or top_k, "
            "or close what else uses the GPU"
        ) from error
    except (RuntimeError, ValueError, IndexError, TypeError) as error:
        said = " ".join(str(error).split())[:200] or type(error).__name__
        if "CUDA error" in said or "device-side assert" in said:
            raise BackendUnavailable(f"the GPU failed while {name} was {doing}; restart PerStream: {said}") from error
        raise BackendError(f"{name} failed while {doing}: {said}") from error


def in_batches(
    items: Sequence[Item],
    size: int,
    make: Callable[[Sequence[Item]], list[Made]],
    smaller: Callable[[int], None] = lambda _: None,
) -> list[Made]:
    """``make`` over batches of at most ``size``, in order; a batch that does not fit is halved down to one.

    ``smaller`` hears of each new size. OutOfMemory when not even one fits.
    """
    made: list[Made] = []
    while len(made) < len(items):
        batch = items[len(made) : len(made) + size]
        try:
            made += make(batch)
            continue
        except OutOfMemory:
            if len(batch) == 1:
                raise
        # Only here: inside the except block the error still holds the frames, and they the tensors.
        size = len(batch) // 2
        free_memory()
        smaller(size)
    return made


def free_memory() -> None:
    """Give back what torch holds and does not use."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def numpy_half(tensor: Any) -> Any:
    """A float tensor of any dtype as fp16 on the CPU; finite numbers beyond its range become its largest."""
    import torch

    limit = torch.finfo(torch.float16).max
    return tensor.detach().float().clamp(-limit, limit).half().cpu().numpy()
