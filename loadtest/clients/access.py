"""How tests get into a backend: as which user, with data by SQL or through REST, from which addresses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from loadtest.backends.base import Wanted
from loadtest.backends.rest import RestClient
from loadtest.backends.spread_rest import SpreadRestClient

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loadtest.backends.accounts import Account
    from loadtest.backends.endpoint import Endpoint
    from loadtest.backends.prometheus.provision import Provision
    from loadtest.backends.tokens import Mint

_LIFETIME_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Access:
    """See the module.

    database_url: a libpq URL; empty for data through REST. mint: signs tokens for rows that SQL made; needed with
    database_url. token, accounts: the user through REST; without either, one signs up. source_addresses: local
    addresses that REST calls leave from when the backend throttles; empty for the system's choice.
    """

    database_url: str = field(default="", repr=False)
    mint: Mint | None = field(default=None, repr=False)
    token: str = field(default="", repr=False)
    accounts: Sequence[Account] = ()
    source_addresses: Sequence[str] = ()

    def rest(self, endpoint: Endpoint) -> RestClient:
        """Return a client for REST calls."""
        if self.source_addresses:
            return SpreadRestClient(endpoint.host, self.source_addresses, endpoint.ssl_context())
        return RestClient(endpoint.host, ssl_context=endpoint.ssl_context())

    def provision(self, endpoint: Endpoint, rest: RestClient, run_id: str) -> Provision:
        """Return what makes rooms, and removes them.

        :param run_id: stands in what is made.
        :raises Fault: if the database cannot be reached.
        """
        wanted = Wanted(
            run_id,
            rest,
            database_url=self.database_url,
            mint=self.mint,
            token=self.token,
            accounts=self.accounts,
            lifetime_s=_LIFETIME_S,
        )
        return endpoint.adapter.provision(wanted)
