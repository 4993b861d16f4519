"""Background tasks: load, call, return. All are safe to run twice."""

from __future__ import annotations

from uuid import UUID

from mailaccounts import diagnostics


def run_account_test(test_id: str) -> str:
    """Runs a test that waits; returns how it ended, or "" if somebody else has it."""
    test = diagnostics.run(UUID(test_id))
    return test.state if test else ""
