"""How the backend's TLS is trusted, and what we show it; for WebSocket and REST alike."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from functools import lru_cache

from loadtest.errors import Fault, Owner


@dataclass(frozen=True, slots=True)
class Trust:
    """Files are PEM, and have to be on every worker.

    insecure: whether any certificate is taken. ca_file: who signs the backend's certificate; empty for the
    system's authorities. client_cert: our own certificate, its key too if client_key is empty.
    """

    insecure: bool = False
    ca_file: str = ""
    client_cert: str = ""
    client_key: str = ""

    def context(self) -> ssl.SSLContext:
        """The one context for this trust in this process.

        :raises Fault: if a file cannot be used.
        """
        return _context(self)


@lru_cache(maxsize=8)
def _context(trust: Trust) -> ssl.SSLContext:
    file = trust.ca_file
    try:
        context = ssl.create_default_context(cafile=trust.ca_file or None)
        if trust.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if trust.client_cert:
            file = trust.client_cert
            context.load_cert_chain(trust.client_cert, trust.client_key or None)
    except (OSError, ssl.SSLError) as error:
        raise Fault(
            Owner.USER,
            f"the PEM file {file!r} cannot be used: {error.strerror or error}",
            "Check --ca-file, --client-cert and --client-key; they have to be on every worker.",
        ) from error
    return context
