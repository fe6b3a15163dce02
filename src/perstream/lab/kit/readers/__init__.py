"""Readers of public benchmarks: their published files, given by the user, as suites of cases."""
