"""The report's HTML: one file with its style inside, no script, light and dark, for a phone too."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

_STYLE = """
:root{color-scheme:light dark;--ink:#1c2024;--soft:#5c656e;--line:#d9dee3;--ground:#fff;--card:#f6f8fa;--accent:#1f6fb2}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9ec;--soft:#9aa5af;--line:#343c44;--ground:#14181c;--card:#1c2228;--accent:#6db3ee}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:72rem;padding:1.5rem 1rem 4rem;background:var(--ground);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
h1{font-size:1.6rem;line-height:1.2;margin:0 0 .25rem}h2{font-size:1.2rem;margin:2.5rem 0 .5rem;border-bottom:1px solid var(--line);
padding-bottom:.25rem}h3{font-size:1rem;margin:1.5rem 0 .5rem}
p{max-width:46rem;margin:.5rem 0}.soft,figcaption{color:var(--soft);font-size:.9rem}
.wide{overflow-x:auto;margin:.75rem 0;border:1px solid var(--line);border-radius:.5rem}
table{border-collapse:collapse;width:100%;font-size:.875rem;font-variant-numeric:tabular-nums}
th,td{padding:.4rem .6rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
th{background:var(--card);font-weight:600}tr:last-child td{border-bottom:0}
td:first-child{overflow-wrap:anywhere;min-width:9rem}td.n{white-space:nowrap}td small{color:var(--soft)}td.t{min-width:14rem}
figure{margin:1rem 0;max-width:46rem}figure svg{width:100%;height:auto;display:block}
figure.paper img{max-width:100%;background:#fff;border-radius:.5rem}
details{margin:.5rem 0;border:1px solid var(--line);border-radius:.5rem;padding:.4rem .75rem}
summary{cursor:pointer;overflow-wrap:anywhere}
dt{font-weight:600;margin-top:1rem;overflow-wrap:anywhere}dd{margin:0}
pre{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.5rem .75rem;margin:.35rem 0;font-size:.8rem;
white-space:pre-wrap;overflow-wrap:anywhere}
@media print{details{break-inside:avoid}}
"""
_INTERVAL = re.compile(r"([\d.]+) (\[[\d.]+–[\d.]+\])")
SHORT = 40
"""Cells up to this many characters stay on one line."""


def page(title: str, by: str, command: str, sections: Sequence[str]) -> str:
    """The whole document."""
    made = f'<p class="soft">{escape(by)}</p>' + (code(command) if command else "")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n"
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n{made}\n" + "\n".join(sections) + "\n</body>\n</html>\n"
    )


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells are text and are escaped."""
    top = "".join(f"<th>{escape(head)}</th>" for head in heads)
    body = "".join("<tr>" + "".join(_cell(cell) for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(text: str) -> str:
    found = _INTERVAL.fullmatch(text)
    if found:  # the interval below its value keeps tables narrow
        return f'<td class="n">{escape(found[1])}<br><small>{escape(found[2])}</small></td>'
    kind = "n" if len(text) <= SHORT and any(char.isdigit() for char in text) else "t" if len(text) > SHORT else ""
    return f'<td class="{kind}">{escape(text)}</td>' if kind else f"<td>{escape(text)}</td>"


def details(title: str, body: str) -> str:
    """What is folded away; ``body`` is HTML."""
    return f"<details><summary>{escape(title)}</summary>{body}</details>"


def code(text: str) -> str:
    """A command."""
    return f"<pre><code>{escape(text)}</code></pre>"


def number(value: float | None, places: int) -> str:
    """A dash for what has no value."""
    return "–" if value is None else f"{value:.{places}f}"


def with_interval(value: Mapping[str, Any] | None) -> str:
    """``0.512 [0.433–0.590]`` of a mean or rate as the results hold it."""
    middle = None if value is None else value.get("mean", value.get("rate"))
    if value is None or middle is None:
        return "–"
    low, high = value["ci95"]
    return f"{middle:.3f} [{low:.3f}–{high:.3f}]"
