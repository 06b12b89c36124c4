"""`loadtest wait-for`: wait until a master listens, or a backend answers as one; 3 if that never happens."""

from __future__ import annotations

import argparse
import socket
import sys
import time

from loadtest.backends.prometheus import preflight
from loadtest.backends.rest import RestClient
from loadtest.backends.tls import Trust
from loadtest.errors import Fault, Owner
from loadtest.exit_codes import ExitCode

_AGAIN_S = 1.0
_CONNECT_S = 3.0


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="loadtest wait-for", description=__doc__)
    parser.add_argument(
        "addresses", type=_addresses, help="host:port of a master, or URLs of backends, several with commas"
    )
    parser.add_argument("--wait", type=float, default=0.0, help="seconds to try for (default 0: once)")
    parser.add_argument("--ca-file", default="", help="who signs the backends' certificates (PEM)")
    parser.add_argument("--insecure", action="store_true", help="take any certificate")
    options = parser.parse_args(arguments)
    trust = Trust(options.insecure, options.ca_file, "", "")
    deadline_s = time.monotonic() + options.wait
    for address in options.addresses:
        while (fault := _fault_of(address, trust)) is not None:
            if time.monotonic() >= deadline_s:
                sys.stderr.write(f"{fault} Waited for {options.wait:g} s.\n")
                return ExitCode.SETUP_FAILED
            time.sleep(_AGAIN_S)
        sys.stdout.write(f"{address} is there.\n")
    return ExitCode.PASSED


def _addresses(text: str) -> list[str]:
    found = [address.strip() for address in text.split(",")]
    for address in found:
        host, _, port = address.rpartition(":")
        if not _is_url(address) and not (host and port.isdecimal()):
            raise argparse.ArgumentTypeError(f"{address!r} is neither host:port nor a URL")
    return found


def _is_url(address: str) -> bool:
    return address.startswith(("http://", "https://"))


def _fault_of(address: str, trust: Trust) -> Fault | None:
    try:
        if _is_url(address):
            preflight.check_backend(RestClient(address, ssl_context=trust.context()))
        else:
            host, _, port = address.rpartition(":")
            # An address of IPv6 has brackets around it, which are no part of it.
            socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_S).close()
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
