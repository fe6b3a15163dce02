"""How much of what is secret is left out, and how much that is not: ``python -m perstream.lab.bench_redact``.

Made-up sentences (seeded), the texts of generated days, and any JSON files of real texts that are named.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from perstream.lab.day.make import draw_truth
from perstream.lab.redact_samples import negatives, positives
from perstream.lab.sample_score import wilson
from perstream.privacy.redact import KINDS, redact


def measure(seed: int, count: int) -> dict[str, Any]:
    """Recall by kind, and false alarms, on made-up sentences; with the sentences that went wrong."""
    missed: dict[str, list[str]] = {kind: [] for kind in KINDS}
    wrong_kind: Counter[str] = Counter()
    for kind, sentence, secret in positives(seed, count):
        result = redact(sentence)
        if secret in result.text or not result.found:
            missed[kind].append(sentence)
        elif kind not in result.found:
            wrong_kind[kind] += 1
    alarms = [text for text in negatives(seed, 4 * count) if redact(text).found]
    return {"count": count, "missed": missed, "wrong_kind": dict(wrong_kind), "harmless": 4 * count, "alarms": alarms}


def of_days(seeds: Sequence[int]) -> tuple[int, list[str]]:
    """Texts shown and said on generated days, and those of which something was left out but a note's password."""
    texts = []
    for seed in seeds:
        truth = draw_truth(seed)
        texts += [line for shown in truth.shown for line in shown.text.splitlines()] + [one.text for one in truth.said]
        texts += list(truth.told)
    return len(texts), [text for text in texts if redact(text).found]


def strings_of(value: Any) -> Iterator[str]:
    """Every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from strings_of(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings_of(part)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=500, help="sentences of each kind")
    parser.add_argument("--days", type=int, default=20, help="generated days whose texts are looked at")
    parser.add_argument("--show", action="store_true", help="print what went wrong")
    parser.add_argument("files", type=Path, nargs="*", help="JSON files of real texts")
    args = parser.parse_args()
    found = measure(args.seed, args.count)
    for kind in KINDS:
        missed = found["missed"][kind]
        right = args.count - len(missed)
        print(f"{kind:10} left out {right}/{args.count}  {_interval(right, args.count)}")
        for sentence in missed if args.show else ():
            print(f"    missed: {sentence!r}")
    print(f"of another kind than meant: {found['wrong_kind'] or 'none'}")
    alarms = found["alarms"]
    print(f"harmless   touched {len(alarms)}/{found['harmless']}  {_interval(len(alarms), found['harmless'])}")
    for sentence in alarms if args.show else ():
        print(f"    touched: {sentence!r} -> {redact(sentence).text!r}")
    count, touched = of_days(range(1, args.days + 1))
    print(f"texts of {args.days} generated days: touched {len(touched)} of {count}")
    for sentence in touched:
        print(f"    {sentence!r} -> {redact(sentence).text!r}")
    for file in args.files:
        texts = list(strings_of(json.loads(file.read_text(encoding="utf-8"))))
        began = time.perf_counter()
        touched = [text for text in texts if redact(text).found]
        took = time.perf_counter() - began
        size = sum(map(len, texts))
        print(
            f"{file.name}: touched {len(touched)} of {len(texts)} texts, {size / 1e6:.2f} M characters in {took:.2f} s"
        )
        for sentence in touched:
            print(f"    {sentence[:160]!r} -> {redact(sentence).text[:160]!r}")


def _interval(hits: int, of: int) -> str:
    low, high = wilson(hits, of)
    return f"({100 * hits / of:.1f} %, 95 % interval {100 * low:.1f}-{100 * high:.1f})"


if __name__ == "__main__":
    main()
