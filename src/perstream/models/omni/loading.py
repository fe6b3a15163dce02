"""Loading a vision-language model into this process. Nothing is downloaded and no code of a repository is run."""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from perstream.config import BackendConfig
from perstream.errors import BackendError, BackendUnavailable
from perstream.models.omni.checkpoint import Checkpoint, fetch_command, find_checkpoint
from perstream.models.omni.family import Family, family_of, require_abilities, require_vectors
from perstream.models.omni.hardware import Hardware, bytes_needed, hardware_of, require_room, torch_dtype
from perstream.models.omni.loaded import Loaded
from perstream.models.omni.processor import load_processor
from perstream.models.omni.windows import batch_windows

OLDEST, TOO_NEW = (5, 18), (6, 0)
"""Versions of transformers that this was written for."""

log = logging.getLogger(__name__)


def load_model(config: BackendConfig, *, note: Callable[[str], None] = log.info) -> Loaded:
    """Load ``config.model_path`` (or MODEL_PATH), a folder or a hub id in the local cache, ready to generate.

    ``note`` hears what was chosen. BackendUnavailable says in one line what is missing, broken or too large.
    """
    require_libraries(config.load_in)
    checkpoint = find_checkpoint(config.model_path or os.environ.get("MODEL_PATH", ""))
    name = checkpoint.name
    family = family_of(name, checkpoint.config)
    hardware = hardware_of(config.device, config.dtype)
    prefix = "thinker." if checkpoint.model_type == "qwen2_5_omni" else ""
    needed = bytes_needed(checkpoint.tensors, prefix, hardware.dtype, config.load_in)
    require_room(name, needed, hardware, config.load_in)
    numbers = f"{hardware.dtype}, {config.load_in} weights" if config.load_in else hardware.dtype
    note(f"loading {name} ({checkpoint.model_type}) to {hardware.device} in {numbers}: {needed / 2**30:.2f} GiB")
    with _in_one_line(f"the processor of {name} cannot be loaded"), _quiet_library():
        processor = load_processor(checkpoint.folder, checkpoint.model_type)
    with _in_one_line(f"{name} cannot be loaded"), _quiet_library():
        model = _load_weights(checkpoint, family, hardware, config.load_in)
    require_abilities(name, model, processor)
    hidden_size = int(model.config.get_text_config().hidden_size)
    device = str(model.get_input_embeddings().weight.device)
    loaded = Loaded(name, model, processor, family, device, hardware.dtype, hidden_size)
    if family == "image-text":
        with _in_one_line(f"{name} ({checkpoint.model_type}) cannot be used: it fails on a picture"):
            require_vectors(loaded)
    batch_windows(loaded)
    return loaded


def require_libraries(load_in: str = "") -> None:
    """BackendUnavailable names the extra that installs what is missing."""
    needed = dict.fromkeys(("torch", "transformers", "accelerate", "peft", "PIL", "psutil"), "qwen")
    if load_in:
        needed["bitsandbytes"] = "quant"
    for name, extra in needed.items():
        try:
            importlib.import_module(name)
        except (ImportError, OSError) as error:
            raise BackendUnavailable(f"{name} is missing or broken here: pip install 'perstream[{extra}]'") from error
    version = importlib.import_module("transformers").__version__
    here = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if not OLDEST <= here < TOO_NEW:
        raise BackendUnavailable(f"transformers {version} is installed: pip install 'transformers>=5.18,<6'")


def _load_weights(checkpoint: Checkpoint, family: Family, hardware: Hardware, load_in: str) -> Any:
    """The module in eval mode. Raises what the library raises."""
    import transformers

    local = {"local_files_only": True, "trust_remote_code": False}
    folder = str(checkpoint.folder)
    settings = transformers.AutoConfig.from_pretrained(folder, **local)
    settings = getattr(settings, "thinker_config", settings)
    kind: Any = (
        transformers.Qwen2_5OmniThinkerForConditionalGeneration
        if family == "omni"
        else transformers.AutoModelForImageTextToText
    )
    if load_in:
        local["quantization_config"] = _quantization(kind, settings, hardware, load_in)
    model, told = kind.from_pretrained(
        folder,
        config=settings,
        dtype=torch_dtype(hardware.dtype),
        device_map=hardware.device_map,
        use_safetensors=True,
        ignore_mismatched_sizes=True,  # told below, with the shapes
        output_loading_info=True,
        **local,
    )
    if told["missing_keys"]:
        raise BackendUnavailable(_unlike(checkpoint, "lack", told["missing_keys"]))
    if told["mismatched_keys"]:
        shapes = {f"{key} {list(has)} for {list(wants)}" for key, has, wants in told["mismatched_keys"]}
        raise BackendUnavailable(_unlike(checkpoint, "have the wrong shape in", shapes))
    if told["unexpected_keys"] and family == "omni":
        raise BackendUnavailable(_unlike(checkpoint, "have, unknown to config.json,", told["unexpected_keys"]))
    spilled = {place for place in getattr(model, "hf_device_map", {}).values() if place in ("cpu", "disk")}
    if hardware.device == "balanced" and spilled:
        raise BackendUnavailable(f"{checkpoint.name} does not fit on the GPUs here: try --load-in 4bit")
    return model.eval().requires_grad_(False)


def _quantization(kind: Any, settings: Any, hardware: Hardware, load_in: str) -> Any:
    """4-bit (nf4, QLoRA, arXiv:2305.14314) or 8-bit (LLM.int8, arXiv:2208.07339) for the text decoder's layers alone."""
    import torch

    with torch.device("meta"):
        make = kind.from_config if hasattr(kind, "from_config") else kind
        skeleton = make(settings)
    kept = beside_decoder(skeleton)
    transformers: Any = importlib.import_module("transformers")
    if load_in == "8bit":
        # It would warn of every layer's cast at every token.
        logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)
        return transformers.BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=kept)
    return transformers.BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch_dtype(hardware.dtype),
        llm_int8_skip_modules=kept,
    )


def beside_decoder(model: Any) -> list[str]:
    """Full names of all modules beside the text decoder: towers, connectors, the head."""
    decoder = model.get_decoder()
    (path,) = [name for name, module in model.named_modules() if module is decoder]
    kept, here = [], ""
    for step in path.split("."):
        parent = model.get_submodule(here)
        kept += [f"{here}.{name}".lstrip(".") for name, _ in parent.named_children() if name != step]
        here = f"{here}.{step}".lstrip(".")
    return kept


def _unlike(checkpoint: Checkpoint, verb: str, names: set[str]) -> str:
    shown = ", ".join(sorted(names)[:3]) + (", …" if len(names) > 3 else "")
    return (
        f"the weights of {checkpoint.name} {verb} {len(names)} tensors ({shown}): config.json and weights do not "
        f"belong together; fetch it again: {fetch_command(checkpoint.name, checkpoint.folder)}"
    )


@contextmanager
def _in_one_line(what: str) -> Iterator[None]:
    """Whatever a library raises while it reads a stranger's files becomes BackendUnavailable."""
    try:
        yield
    except BackendError:
        raise
    except Exception as error:
        said = " ".join(str(error).split())[:300]
        raise BackendUnavailable(f"{what}: {type(error).__name__}: {said}") from error


@contextmanager
def _quiet_library() -> Iterator[None]:
    """No bar and no report on standard error: what is loading is said by ``note``, what is wrong by the error."""
    transformers_logging: Any = importlib.import_module("transformers.utils.logging")
    shown, level = transformers_logging.is_progress_bar_enabled(), transformers_logging.get_verbosity()
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)
        if shown:
            transformers_logging.enable_progress_bar()
