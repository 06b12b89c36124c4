"""The options themselves: what each is called, says, takes and is by default."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtest.measurement.objectives import GUIDE
from loadtest.run.options import connection_options
from loadtest.run.options import option_types as types
from loadtest.scenarios.findings import Severity
from loadtest.tasks import schedule

if TYPE_CHECKING:
    from collections.abc import Callable


def all_of(option: Callable[..., None]) -> None:
    """Call with each option: its name, its help, and what `add_argument` takes; `web`: whether the form shows it,
    `secret`: whether nobody may see it.
    """
    for part in (_load, _users, connection_options.all_of, _data, _record):
        part(option)


def _load(option: Callable[..., None]) -> None:
    option(
        "--rooms", "Project rooms that are made and filled (default 10)", type=types.rooms, default=10, web=True
    )
    option("--rate", "Triggers a second over all publishers (default 10)", type=types.rate, default=10.0, web=True)
    option(
        "--arrivals",
        "How triggers follow each other: at equal distances, or as a Poisson process (default constant)",
        choices=schedule.LAWS,
        default=schedule.CONSTANT,
        web=True,
    )
    option(
        "--ramp",
        "Seconds that the rate takes to rise from nothing to --rate, at an even slope (default 0)",
        type=types.seconds,
        default=0.0,
        web=True,
    )
    option(
        "--warm-up",
        "Seconds from when all users were started to when publishers begin (default 0)",
        type=types.seconds,
        default=0.0,
        web=True,
    )
    option(
        "--measure-after",
        "Seconds of publishing that count in no latency and no rate, while the backend warms up; what is owed and "
        "lost counts from the beginning (default 0)",
        type=types.seconds,
        default=0.0,
        web=True,
    )
    option(
        "--in-flight-window",
        "Seconds that a broadcast may be in flight. A broadcast made within this time before a user joined, or "
        "before or after it left, is neither expected nor lost (default 2)",
        type=types.seconds,
        default=2.0,
    )
    option(
        "--drain-timeout",
        "Seconds that a run waits at its end for broadcasts that are still expected, such as the final status of "
        "agents at work; Ctrl-C ends the wait (default 30)",
        type=types.seconds,
        default=30.0,
    )
    option(
        "--publishers",
        "Users that publish, out of --users; they share the rate (default 4)",
        type=types.publishers,
        default=4,
        web=True,
    )
    option(
        "--room-size",
        "Viewers that go into one room before the next is filled; 0 deals them out to all rooms (default 0)",
        type=types.count,
        default=0,
        web=True,
    )
    option(
        "--room-skew",
        "How uneven the rooms are: the exponent of Zipf's law, by which the k-th room has 1/k^s of the first "
        "one's viewers; 0 is even (default 0)",
        type=types.exponent,
        default=0.0,
        web=True,
    )
    option(
        "--rooms-per-owner", "Rooms that one user owns (default 1)", type=types.at_least_one, default=1, web=True
    )
    option(
        "--rooms-per-viewer",
        "Rooms that one viewer joins (default 1)",
        type=types.at_least_one,
        default=1,
        web=True,
    )

    option(
        "--fleet",
        "A name that a master and its workers share: a worker of another fleet is not let into the run (default: "
        "none; with --processes one of their own)",
        default="",
    )
    option(
        "--shape",
        "How the number of users goes over time, up to --users: ramp, steps, spike, soak, wave, storm; or "
        "capacity, which searches for it; with parameters, e.g. spike:base=0.1,at=30; see docs/scenarios.md",
        type=types.shape,
        default="",
    )


def _users(option: Callable[..., None]) -> None:
    option(
        "--mix",
        "Who takes part, with weights, e.g. Viewer=20,Churner=2,Intruder=1; see docs/scenarios.md (default: "
        "Viewer; with --tags: all that have tasks with these tags)",
        type=types.mix,
        default="",
        web=True,
    )
    option(
        "--scenario",
        "Play this scenario and no other, or several with commas, e.g. 'rapid cycles'; viewers and publishers "
        "take part as always (default: all that --tags and --mix choose)",
        default="",
    )
    option(
        "--audience-size",
        "Connections that each Audience holds (a user of --mix): listeners that never act, each with a room and "
        "an account of its own, for half of a Viewer's memory; --spawn-rate counts them one by one (default 500)",
        type=types.at_least_one,
        default=500,
        web=True,
    )
    option(
        "--canaries",
        "Official Socket.IO clients that sit in rooms meanwhile and have to see what the others see, with commas: "
        "node-2, node-3, node-4, chromium, firefox, or all; a transport may follow, e.g. "
        "node-4:polling,firefox:upgrade (websocket without one); they need node, and the command "
        "`loadtest canaries` once (default: none)",
        type=types.canaries,
        default="",
        web=True,
    )
    option(
        "--think-time",
        "Seconds between two plays of a user's scenarios, as least:most (default 1:3)",
        type=types.span,
        default=(1.0, 3.0),
    )
    option(
        "--no-probe",
        "Do not ask the backend what it can do: then no scenario is played that needs to know",
        action="store_true",
        default=False,
    )
    option(
        "--patience",
        "Seconds that a scenario waits for what has to come (default 5)",
        type=types.seconds,
        default=5.0,
    )
    option(
        "--session-length",
        "Seconds that a long session lasts, of a LongSession (a user of --mix); --run-time has to be longer "
        "(default 120)",
        type=types.seconds_at_least_one,
        default=120.0,
    )
    option(
        "--debug-clients",
        "Log the packets and events of the first N clients of each worker, or of user classes, e.g. 2, or "
        "Viewer=1,Intruder=2 (default: 1 with --loglevel DEBUG, otherwise none)",
        type=types.debug_clients,
        default=None,
    )
    option(
        "--ping-every",
        "Seconds between two pings of each viewer, where the backend answers them; 0 for none (default 0)",
        type=types.seconds,
        default=0.0,
    )


def _data(option: Callable[..., None]) -> None:
    option(
        "--database-url",
        "The backend's PostgreSQL, for making the data by SQL; without it the data is made through REST",
        default="",
        secret=True,
    )
    option(
        "--jwt-secret",
        "The backend's HS256 secret, for minting tokens; needed with --database-url",
        default="",
        secret=True,
    )
    option(
        "--jwt-key-file",
        "Instead of the secret: the backend's RSA private key as PEM, for RS256",
        default="",
    )
    option(
        "--token-lifetime",
        "Seconds that tokens are good for: minted ones, and those that do not say, as opaque ones; all are "
        "renewed when half of their time is over, where there is a way to (default a week)",
        type=types.at_least_one,
        default=7 * 86_400,
    )
    option(
        "--token",
        "A token of an existing user, for making the data through REST",
        default="",
        secret=True,
    )
    option(
        "--token-command",
        "Instead of --token: a shell command that prints such a token, in one line; it is run in the master "
        "before the run, and again when half of the token's time is over",
        default="",
        secret=True,
    )
    option(
        "--account",
        "email:password of an existing user, for making the data through REST; without one a user signs up",
        default="",
        secret=True,
    )
    option(
        "--accounts-file",
        "A file with such accounts, one a line: the rooms are dealt out to them",
        default="",
    )
    option(
        "--tasks-per-room", "Tasks that each project has before the load; by SQL only", type=types.count, default=0
    )
    option("--keep-data", "Leave the run's rows in place when it ends", action="store_true", default=False)


def _record(option: Callable[..., None]) -> None:
    option("--results-dir", "Where the run's record goes (default results)", default="results")
    option(
        "--monitor",
        "Where the backend's memory and CPU are to be seen, several with commas: health (its /v1/health/info, as "
        "far as that tells), the address of Prometheus metrics, pid:N of a process on the master's machine, or "
        "none (default health)",
        type=types.monitor,
        default="health",
    )
    option("--monitor-every", "Seconds between two looks at it (default 1)", type=types.period, default=1.0)
    option(
        "--metrics-port",
        "Port of the master on which Prometheus finds /metrics also where no web page is served, and without "
        "login; 0 for none (default 0)",
        type=types.port,
        default=0,
    )
    option(
        "--history",
        "The run is one of many in --results-dir: compare it with the baseline there, end with 8 if it is worse, "
        "and draw how figures went; the first seven that pass are the baseline",
        action="store_true",
        default=False,
    )
    option(
        "--tolerance",
        "With --history: percent by which a figure may be worse than the baseline's (default 5)",
        type=types.percent,
        default=5.0,
    )
    option(
        "--no-report",
        "Write the record only, without the report",
        action="store_true",
        default=False,
    )
    option(
        "--slo-file",
        "TOML file with objectives, in addition to the default ones; or the name of one that comes with the "
        "product: guide, the benchmarks of the backend's test guide (default), or overload, the same beside "
        "deliberate overload, with limits for that time",
        default=GUIDE,
    )
    option(
        "--events-per-client",
        "Also judge the throughput: more events a second than this for each client (the guide asks for 100)",
        type=types.rate,
        default=None,
    )
    option(
        "--allow-remote-target",
        "Play the security suite against another machine, too: it is yours to attack",
        action="store_true",
        default=False,
    )
    option(
        "--expect",
        "What the backend has to be able to do: documented, as-built, deployed, or a file with one capability per "
        "line; the run fails if it lacks one (default: nothing; what it lacks is reported as not supported)",
        default="",
    )
    option(
        "--fail-on-finding",
        "The least severity of a security finding with which a run does not pass (default: none fails it)",
        choices=[severity.name.lower() for severity in Severity],
        default=None,
    )
