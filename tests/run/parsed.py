"""A command line, as Locust parses it."""

from __future__ import annotations

import argparse

from locust.argument_parser import get_empty_argument_parser, setup_parser_arguments

from loadtest.run.options import options

NO_SECRETS = dict.fromkeys(options.SECRETS, "")


def parse(*arguments: str) -> argparse.Namespace:
    parser = get_empty_argument_parser()
    setup_parser_arguments(parser)
    options.add(parser)
    parsed: argparse.Namespace = parser.parse_args(list(arguments))
    return parsed
