"""Exit codes of runs and of reports: a small number for each outcome, named once."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of `locust` with this package, `make demo`, `make nightly` and `loadtest report`."""

    PASSED = 0
    """The run can be trusted; every objective that was measured passed, and every check."""
    USAGE = 2
    """An option is unknown or wrong."""
    SETUP_FAILED = 3
    """The run could not begin: backend, database or token are not right. Nothing was left behind."""
    OBJECTIVE_FAILED = 4
    """An objective failed, or ended the run early."""
    RUN_INVALID = 5
    """The run did not measure what it set out to measure, or was not brought to its end."""
    RUN_SUSPECT = 6
    """The run's own numbers are doubtful, and what failed, if anything, may be due to that."""
    CHECK_FAILED = 7
    """A check of a scenario failed or was never made, a canary saw something else than the other members, a
    finding is as severe as `--fail-on-finding` says, or the backend lacks a capability that `--expect` names.
    """
    WORSE = 8
    """Of `loadtest compare`, and of nightly runs: a figure is worse, by more than is tolerated."""
    LOST_WORKERS = 9
    """The run is invalid, and workers were lost while it went on."""
