"""Reports of load tests, from their records alone.

loadtest report RECORD: make report.html, report.md, junit.xml, metrics.prom and percentiles/ again.
loadtest compare BEFORE AFTER: what changed, and how sure that is.
loadtest trend RESULTS: the history of many runs.
loadtest gate RECORD --slo FILE: judge a record by objectives.
loadtest nightly RECORD: compare with the baseline, draw the history, say how it came out.
loadtest baseline RECORD...: what nightly runs of this load are compared with.
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from loadtest.errors import Fault
from loadtest.exit_codes import ExitCode
from loadtest.measurement import objectives
from loadtest.measurement.names import visible
from loadtest.reports.schema import RecordError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_SEED: Final = 1
"""The same records give the same report."""
_TOLERANCE_PERCENT: Final = 5.0


def _percent(text: str) -> float:
    value = float(text)
    if not (math.isfinite(value) and value >= 0):
        raise argparse.ArgumentTypeError(f"expected a number of percent from 0, got {text!r}")
    return value


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; the exit code.

    :param arguments: a command and its own arguments; those of `report` without one.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    command = _COMMANDS.get(arguments[0]) if arguments else None
    try:
        return _make(arguments) if command is None else command(arguments[1:])
    except (RecordError, Fault) as error:
        sys.stderr.write(f"reports: {visible(str(error))}\n")
        return ExitCode.USAGE
    except OSError as error:
        place = f" to {error.filename}" if error.filename else ""
        sys.stderr.write(
            f"reports: cannot write{place}: {error.strerror}. Check its permissions, or give --out.\n"
        )
        return ExitCode.USAGE


def _say(text: str) -> None:
    """Print; what others named or worded reaches the terminal as plain text."""
    sys.stdout.write(visible(text, keep="\n\t") + "\n")


def _parser(command: str, text: str) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog=f"loadtest {command}",
        description=text,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _make(arguments: Sequence[str]) -> int:
    from loadtest.reports.make import make

    parser = _parser("report", __doc__ or "")
    parser.add_argument("record", type=Path, help="a run's folder, e.g. results/latest")
    _say(str(make(parser.parse_args(arguments).record)))
    return ExitCode.PASSED


def _compare(arguments: Sequence[str]) -> int:
    import numpy as np

    from loadtest.reports import compare_page
    from loadtest.reports.compare import ComparisonOutcome, compare
    from loadtest.reports.load import load_side
    from loadtest.reports.make import write

    parser = _parser("compare", "What changed between two runs, and how sure that is.")
    side = "a run's folder; or several, with commas; or a folder of such folders"
    parser.add_argument("before", help=side)
    parser.add_argument("after", help=side)
    parser.add_argument(
        "--tolerance",
        type=_percent,
        default=_TOLERANCE_PERCENT,
        help=f"percent that a figure may be worse (default {_TOLERANCE_PERCENT:g}); more ends with "
        f"{ExitCode.WORSE.value}",
    )
    parser.add_argument("--out", type=Path, help="the page (default compare.html in the last run's folder)")
    options = parser.parse_args(arguments)
    sides = [load_side(paths.split(",")) for paths in (options.before, options.after)]
    found = compare(sides[0], sides[1], np.random.default_rng(_SEED))
    out = options.out or sides[1][-1].where / "compare.html"
    write(out, compare_page.page(found, options.tolerance, out.parent))
    _say(compare_page.text(found, options.tolerance, out))
    failed = found.outcome(options.tolerance) is ComparisonOutcome.FAILED
    return ExitCode.WORSE if failed else ExitCode.PASSED


def _trend(arguments: Sequence[str]) -> int:
    import numpy as np

    from loadtest.reports import trend_page
    from loadtest.reports.trend import trend

    parser = _parser("trend", "How figures went over many runs; makes trend.html and trend.csv.")
    parser.add_argument("results", type=Path, help="the folder of the records, e.g. results")
    parser.add_argument("--out", type=Path, help="where the two go (default: that folder)")
    options = parser.parse_args(arguments)
    found = trend(options.results, np.random.default_rng(_SEED))
    out = options.out or options.results
    trend_page.save(found, options.results, out)
    _say(f"{trend_page.text(found)}\n{out / 'trend.html'}")
    return ExitCode.PASSED


def _gate(arguments: Sequence[str]) -> int:
    from loadtest.reports import gate, junit
    from loadtest.reports.load import comparison_in, load, read_both, read_summary

    parser = _parser("gate", "Judge a record by objectives, without running anything again.")
    parser.add_argument("record", type=Path, help="a run's folder")
    parser.add_argument(
        "--slo",
        type=objectives.path_of,
        required=True,
        help=f"the objectives, as TOML, see docs/reports.md; or one of {', '.join(objectives.SHIPPED)}",
    )
    parser.add_argument("--baseline", type=Path, help="the record that relative objectives compare with")
    parser.add_argument("--strict", action="store_true", help="what was not measured fails")
    parser.add_argument("--junit", type=Path, help="write the outcome there too, as JUnit XML")
    options = parser.parse_args(arguments)
    summary, whole = read_both(options.record)
    baseline = None if options.baseline is None else read_summary(options.baseline)
    outcome, results = gate.judge(
        summary,
        gate.read_objectives(options.slo),
        baseline,
        comparison=comparison_in(options.record),
        incomplete=load(options.record).missing,
        strict=options.strict,
    )
    if options.junit is not None:
        options.junit.write_text(
            junit.render(whole, outcome, results), encoding="utf-8", errors="backslashreplace"
        )
    _say(gate.text(summary, outcome, results))
    return outcome.code


def _nightly(arguments: Sequence[str]) -> int:
    import numpy as np

    from loadtest.reports.nightly import nightly

    parser = _parser("nightly", "Compare a run with the baseline of its load, and draw the history of all runs.")
    parser.add_argument("record", type=Path, help="a run's folder, in the folder of all runs")
    parser.add_argument("--tolerance", type=_percent, default=_TOLERANCE_PERCENT, help="see compare")
    options = parser.parse_args(arguments)
    ended = nightly(options.record, options.tolerance, np.random.default_rng(_SEED))
    _say(ended.line)
    return ended.outcome.code


def _baseline(arguments: Sequence[str]) -> int:
    from loadtest.reports.nightly import set_baseline

    parser = _parser("baseline", "Choose what nightly runs of a load are compared with.")
    parser.add_argument("record", type=Path, nargs="+", help="a run's folder")
    _say(f"The baseline of: {set_baseline(parser.parse_args(arguments).record)}")
    return ExitCode.PASSED


_COMMANDS: Final[dict[str, Callable[[Sequence[str]], int]]] = {
    "report": _make,
    "compare": _compare,
    "trend": _trend,
    "gate": _gate,
    "nightly": _nightly,
    "baseline": _baseline,
}


if __name__ == "__main__":
    sys.exit(main())
