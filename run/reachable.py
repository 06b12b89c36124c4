"""`python -m run.reachable`: wait until a master listens, or a backend answers as one; 3 if that never happens."""

from __future__ import annotations

import argparse
import socket
import sys
import time

from backend import preflight
from backend.rest import RestClient
from backend.tls import Trust
from exit_codes import ExitCode
from faults import Fault, Owner

_AGAIN_S = 1.0
_CONNECT_S = 3.0


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m run.reachable", description=__doc__)
    parser.add_argument("addresses", help="host:port of a master, or URLs of backends with commas")
    parser.add_argument("--wait", type=float, default=0.0, help="seconds to try for (default 0: once)")
    parser.add_argument("--ca-file", default="", help="who signs the backends' certificates (PEM)")
    parser.add_argument("--insecure", action="store_true", help="take any certificate")
    options = parser.parse_args(arguments)
    trust = Trust(options.insecure, options.ca_file, "", "")
    deadline_s = time.monotonic() + options.wait
    for address in options.addresses.split(","):
        while (fault := _fault_of(address.strip(), trust)) is not None:
            if time.monotonic() >= deadline_s:
                sys.stderr.write(f"{fault} Waited for {options.wait:g} s.\n")
                return ExitCode.SETUP_FAILED
            time.sleep(_AGAIN_S)
        sys.stdout.write(f"{address.strip()} is there.\n")
    return ExitCode.PASSED


def _fault_of(address: str, trust: Trust) -> Fault | None:
    try:
        if address.startswith(("http://", "https://")):
            preflight.check_backend(RestClient(address, ssl_context=trust.context()))
        else:
            host, _, port = address.rpartition(":")
            socket.create_connection((host, int(port)), timeout=_CONNECT_S).close()
    except Fault as fault:
        return fault
    except OSError as error:
        return Fault(
            Owner.USER,
            f"no master is to be reached at {address}: {error}",
            "It may have ended, or not have begun: look at its pod.",
        )
    return None


if __name__ == "__main__":
    sys.exit(main())
