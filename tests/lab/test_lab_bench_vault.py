"""The benchmark of encryption measures both kinds of stores."""

from __future__ import annotations

from dataclasses import fields

from perstream.lab.bench_vault import Costs, bench_vault


def test_the_benchmark_measures_both_and_compares_them() -> None:
    result = bench_vault(100, rounds=1)
    found = result.to_json()
    assert found["stored"] == 100
    for name in (field.name for field in fields(Costs)):
        assert found[f"plain_{name}"] > 0
        assert abs(found[f"ratio_{name}"] * found[f"plain_{name}"] / found[f"encrypted_{name}"] - 1) < 0.05
    assert 1 < result.ratio.mb < 1.2
    assert len(result.lines()) == 7
