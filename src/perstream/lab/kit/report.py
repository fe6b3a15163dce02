"""One page of everything evaluated in a folder: it opens anywhere, loads nothing, and says how each figure was made."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from perstream.errors import ConfigError, NotFound
from perstream.lab.kit.report_found import Found, kind_of, results_in
from perstream.lab.kit.report_page import code, page
from perstream.lab.kit.report_scores import of_judges, of_questions, of_words
from perstream.lab.kit.report_studies import of_answers, of_recall, of_reduction
from perstream.version import __version__

MAX_PICTURE_BYTES = 4_000_000
PICTURES = {".svg": "image/svg+xml", ".png": "image/png"}


def write_report(folder: Path, out: Path, command: str = "") -> Path:
    """Write the page. NotFound when nothing in ``folder`` is a result, ConfigError when it cannot be written."""
    if not folder.is_dir():
        raise NotFound(f"there is no folder {folder}")
    kinds: dict[str, list[Found]] = {}
    for one in results_in(folder):
        kinds.setdefault(kind_of(one.values), []).append(one)
    kinds.pop("", None)
    pictures = _pictures(folder, out)
    if not kinds and not pictures:
        raise NotFound(f"nothing in {folder} is a result: run `perstream eval` and `perstream judge {folder}` first")
    sections = [
        of_questions(kinds.get("passive", [])),
        of_words(kinds.get("proactive", [])),
        of_judges([*kinds.get("passive", []), *kinds.get("proactive", [])]),
        of_recall(kinds.get("recall", [])),
        of_answers(kinds.get("answers", [])),
        of_reduction(kinds.get("reduction", [])),
        _pictured(pictures),
        _made([one for some in kinds.values() for one in some]),
    ]
    text = page(
        f"Evaluation of {folder.resolve().name}", f"PerStream {__version__}", command, [s for s in sections if s]
    )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write {out} ({error.strerror}): choose another place with --out") from error
    return out


def _pictures(folder: Path, out: Path) -> list[tuple[str, str]]:
    found = []
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in PICTURES and ".cache" not in p.parts):
        if path.is_file() and path != out and path.stat().st_size <= MAX_PICTURE_BYTES:
            data = base64.b64encode(path.read_bytes()).decode()
            found.append((str(path.relative_to(folder)), f"data:{PICTURES[path.suffix.lower()]};base64,{data}"))
    return found


def _pictured(pictures: Sequence[tuple[str, str]]) -> str:
    shown = [
        f'<figure class="paper"><img alt="{escape(name)}" src="{data}"><figcaption>{escape(name)}</figcaption></figure>'
        for name, data in pictures
    ]
    return "<h2>Pictures</h2>" + "".join(shown) if shown else ""


def _made(found: Sequence[Found]) -> str:
    rows = []
    for one in found:
        run = one.values.get("evaluated_by")
        facts = ""
        if isinstance(run, Mapping) and run:
            facts = f"backend {run.get('backend')}, {run.get('samples')} samples, {run.get('failed')} failed"
            facts += ", no video was looked at" if run.get("memory_only") else ""
        commands = "".join(code(command) for command in one.made_by) or "not recorded in the file"
        rows.append(f"<dt>{escape(one.place)}</dt><dd>{escape(facts)}{commands}</dd>")
    return f"<h2>How it was made</h2><dl>{''.join(rows)}</dl>" if rows else ""
