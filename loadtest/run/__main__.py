"""`loadtest options`: our options with their variables.

Locust answers its own `--help` before it has read a locustfile, and so without the options of any.
"""

from __future__ import annotations

import argparse
import sys

from locust.argument_parser import get_empty_argument_parser, setup_parser_arguments

from loadtest.exit_codes import ExitCode
from loadtest.run.options import options


def main(arguments: list[str] | None = None) -> int:
    """Print the help of our group of options."""
    argparse.ArgumentParser(prog="loadtest options", description=__doc__).parse_args(arguments)
    parser = get_empty_argument_parser(add_help=False)
    setup_parser_arguments(parser)
    options.add(parser)
    formatter = parser.formatter_class(prog="locust")
    group = next(group for group in parser._action_groups if group.title == options.GROUP)
    for action in group._group_actions:
        action.help = f"{action.help} [{action.env_var}]"
    formatter.start_section(group.title)
    formatter.add_text(group.description)
    formatter.add_arguments(group._group_actions)
    formatter.end_section()
    sys.stdout.write(formatter.format_help())
    return ExitCode.PASSED


if __name__ == "__main__":
    sys.exit(main())
