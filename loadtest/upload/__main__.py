"""`loadtest upload FOLDER URL`: send the files of a folder, now or when told to end."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from loadtest.errors import Fault
from loadtest.exit_codes import ExitCode
from loadtest.upload.changes import changed, state_of
from loadtest.upload.stores import store_at


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="loadtest upload", description=__doc__)
    parser.add_argument("folder", type=Path, help="whose files are sent")
    parser.add_argument("url", help="s3://bucket/path, gs://…, az://…, or http(s)://… for PUT")
    parser.add_argument(
        "--at-the-end",
        action="store_true",
        help="wait for SIGTERM, and send what was added or changed since the start: as a sidecar, that is when "
        "the master has ended, however it did",
    )
    options = parser.parse_args(arguments)
    if not options.folder.is_dir():
        parser.error(f"there is no folder {options.folder}")
    try:
        store = store_at(options.url)
        before = _wait(options.folder) if options.at_the_end else {}
        files = changed(before, state_of(options.folder))
        for path in files:
            store.put(path.relative_to(options.folder).as_posix(), path)
    except Fault as fault:
        sys.stderr.write(f"upload: {fault}\n")
        return ExitCode.SETUP_FAILED
    size = sum(path.stat().st_size for path in files)
    sys.stdout.write(f"upload: {len(files)} files, {size / 1e6:.1f} MB, are at {options.url}\n")
    return ExitCode.PASSED


def _wait(folder: Path) -> dict[Path, tuple[int, int]]:
    """Wait for the end. What there was before."""
    ends = {signal.SIGTERM, signal.SIGINT}
    # Blocked for good: what comes after the first is a kubelet's SIGKILL.
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    before = state_of(folder)
    sys.stdout.write(f"upload: {len(before)} files are there; what comes is sent at the end\n")
    sys.stdout.flush()
    signal.sigwait(ends)
    return before


if __name__ == "__main__":
    sys.exit(main())
