"""What a run wants its data to be, by its options."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtest.backends.base import Wanted
from loadtest.run.options import option_checks

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from loadtest.backends.rest import RestClient
    from loadtest.backends.tokens import Mint
    from loadtest.run.master.token_renewal import TokenRenewal


def wanted(
    opts: argparse.Namespace,
    given: Mapping[str, str],
    mint: Mint | None,
    client: RestClient,
    run_id: str,
    renewal: TokenRenewal,
) -> Wanted:
    """See the module.

    :param given: the values of `options.SECRETS`.
    :param renewal: has the one user's token, and gives fresh ones.
    """
    return Wanted(
        run_id,
        client,
        database_url=given["database_url"],
        mint=mint,
        token=renewal.token,
        new_token=None if renewal.command is None else renewal.new,
        accounts=option_checks.known_accounts(opts, given),
        lifetime_s=opts.token_lifetime,
        rooms_each=opts.rooms_per_owner,
        tasks_each=opts.tasks_per_room,
        keep=opts.keep_data,
    )
