"""How a run's data is made: by SQL where the database is known, else through REST."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backend.provision import SqlProvision
from backend.rest_provision import RestProvision

from . import option_checks

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from backend.provision import Provision
    from backend.rest import RestClient
    from backend.tokens import Mint


def choose(
    opts: argparse.Namespace, given: Mapping[str, str], mint: Mint | None, client: RestClient, run_id: str
) -> Provision:
    """What makes the data, by the options.

    :param given: the values of `options.SECRETS`.
    """
    if given["database_url"]:
        assert mint is not None
        return SqlProvision(
            given["database_url"],
            mint,
            run_id,
            opts.token_lifetime,
            rooms_each=opts.rooms_per_owner,
            tasks_each=opts.tasks_per_room,
            keep=opts.keep_data,
        )
    return RestProvision(
        client,
        run_id,
        token=given["token"],
        accounts=option_checks.known_accounts(opts, given),
        rooms_each=opts.rooms_per_owner,
        keep=opts.keep_data,
    )
