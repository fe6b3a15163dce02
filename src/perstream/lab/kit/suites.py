"""From a file that a user gives to a suite: what it is, is seen from its content or said by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from perstream.errors import ConfigError
from perstream.lab.eval_recall import read_dataset
from perstream.lab.kit.cases import Suite, is_locomo, is_samples, suite_of_locomo, suite_of_records
from perstream.lab.kit.readers.egolifeqa import is_egolifeqa, suite_of_egolifeqa
from perstream.lab.kit.readers.egoschema import is_egoschema, suite_of_egoschema
from perstream.lab.kit.readers.longmemeval import is_longmemeval, suite_of_longmemeval
from perstream.lab.kit.readers.ovobench import is_ovobench, suite_of_ovobench
from perstream.lab.kit.readers.streamingbench import is_streamingbench, read_csv, suite_of_streamingbench

Read = Callable[[Any], Suite]
READERS: Mapping[str, tuple[Callable[[Any], bool], Read]] = {
    "locomo": (is_locomo, suite_of_locomo),
    "longmemeval": (is_longmemeval, suite_of_longmemeval),
    "egolifeqa": (is_egolifeqa, suite_of_egolifeqa),
    "ovo-bench": (is_ovobench, suite_of_ovobench),
    "streamingbench": (is_streamingbench, suite_of_streamingbench),
}
"""Name to (does this JSON look like it, how to read it). Records and EgoSchema take more than the file."""


def read_suite(path: Path, pool: str = "sample", answers: Path | None = None) -> Suite:
    """The suite in a file; ``pool`` is for dataset records, ``answers`` for EgoSchema, whose file holds none.

    NotFound for a missing file; ConfigError for one that is of no known kind or cannot be used.
    """
    data = read_csv(path) if path.suffix.lower() == ".csv" else read_dataset(path)
    if is_egoschema(data):
        if answers is None:
            raise ConfigError(f"{path} is EgoSchema, whose answers are a file of their own: give it with --answers")
        return suite_of_egoschema(data, read_dataset(answers))
    if answers is not None:
        raise ConfigError("--answers is for EgoSchema alone: the answers of other data are in their file")
    for looks, read in READERS.values():
        if looks(data):
            return read(data)
    if is_samples(data):
        return suite_of_records(data, pool)
    known = ", ".join(["dataset records", *READERS, "egoschema"])
    raise ConfigError(f"{path} is of no known kind ({known}): see docs/EVALUATION.md")
