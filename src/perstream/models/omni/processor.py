"""The processor of a model: tokenizer, picture and sound preparation, chat template. It does without video.

Frames go to a model as pictures, so the video part is left out: it would need torchvision, which is not there on
every machine, and without it the library's own loading refuses the whole processor.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

VIDEO = "video_processor"


def load_processor(folder: Path, model_type: str) -> Any:
    """The library's own processor of that model, with ``video_processor`` None.

    Raises what the library raises (OSError, ValueError, ImportError, …); the caller says it in one line.
    """
    import transformers

    kind = without_video(processor_class(model_type))
    makers: dict[str, Any] = {
        "tokenizer": transformers.AutoTokenizer,
        "image_processor": transformers.AutoImageProcessor,
        "feature_extractor": transformers.AutoFeatureExtractor,
    }
    local = {"local_files_only": True, "trust_remote_code": False}
    parts: list[Any] = []
    for name in kind.get_attributes():
        if name == VIDEO:
            parts.append(None)
        elif name in makers:
            parts.append(makers[name].from_pretrained(str(folder), **local))
        else:
            raise ValueError(f"its processor has a {name}, which is not known here")
    settings, _ = kind.get_processor_dict(str(folder), local_files_only=True)
    settings.setdefault("chat_template", None)
    return kind.from_args_and_dict(parts, settings)


def processor_class(model_type: str) -> Any:
    """The library's processor class for a model. ValueError when it has none."""
    import transformers

    kinds: Any = importlib.import_module("transformers.models.auto.processing_auto")
    name = kinds.PROCESSOR_MAPPING_NAMES.get(model_type.removesuffix("_thinker"))
    found = getattr(transformers, name, None) if name else None
    if found is None or not hasattr(found, "get_attributes"):
        raise ValueError(f"transformers has no processor for {model_type}")
    return found


def without_video(kind: Any) -> Any:
    """The same class, content with None as its video processor."""

    def check_argument_for_proper_class(self: Any, name: str, part: Any) -> Any:
        if name == VIDEO and part is None:
            return type(None)
        return super(narrow, self).check_argument_for_proper_class(name, part)

    narrow: Any = type(kind.__name__, (kind,), {"check_argument_for_proper_class": check_argument_for_proper_class})
    return narrow


def chat_template(processor: Any) -> str | None:
    """The template of a conversation: the processor's, else the tokenizer's."""
    for part in (processor, processor.tokenizer):
        template = getattr(part, "chat_template", None)
        if isinstance(template, dict):
            template = template.get("default")
        if template:
            return str(template)
    return None
