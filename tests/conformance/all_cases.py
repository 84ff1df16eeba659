"""All conformance units together."""

from __future__ import annotations

from . import api_cases, data_cases, endings_cases, numbers_cases, pi_cases

CASES = [*numbers_cases.CASES, *data_cases.CASES, *api_cases.CASES, *endings_cases.CASES, *pi_cases.CASES]
