"""Hints on failed checks: one for each check, and one for each way in which a step before it fails. Pure.

Each hint says what to change on the backend, or which option of the run to change. So the reader of a run that
ends with exit code 7 always knows what to do next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

NOT_REACHED: Final = "Solve the failed check of the same scenario first: this one comes after it."
NOT_CHECKED: Final = "Raise --run-time, or --users, so that every scenario gets its turn."
PARSER: Final = (
    "Update socket.io-parser to 4.2.7 or later on the backend: older versions accept a binary event without its "
    "attachment, and keep the connection waiting for it."
)

_NO_HINT: Final = "Look into the backend's log at the time of the failure."
_SLOW: Final = "if it is only slow, lower the load or raise --patience."
_BROADCASTS: Final = f"Check in the backend's log that it broadcasts to the whole room of the project; {_SLOW}"
_MEMBERS: Final = f"Keep a room's other members in it when one of them disconnects; {_SLOW}"
_REJOINS: Final = f"Add a socket to the room on each joinProjectRoom, whoever was in it before; {_SLOW}"
_ORDER: Final = (
    "Send a task's events once each, one after the other from one place, with await: the log with its title, "
    "IN_PROGRESS, the end."
)
_AGENT: Final = "Send the task's agentId, as agentName Agent- with 8 characters of the id, and no other fields."
_ROOM_ALONE: Final = "Emit once, and to the room of the task's project alone: server.to(projectId).emit."
_ONCE: Final = "Emit each event once to the room, and subscribe once: a repeated join must not add a listener."
_ODD: Final = "Check the arguments of every handler, and answer odd ones with an exception event: throw nothing."
_SERVED: Final = "Keep handlers short and let none throw: one client's messages must not hold up the others."
_CROWD: Final = "Raise the backend's limits for connections: open files, the listen backlog, its load balancer."
_ROOM_OWNER: Final = (
    "Check on joinProjectRoom that the project belongs to the token's user before the socket joins."
)
_TOKENS: Final = (
    "Verify a token's signature, algorithm and expiry in a middleware, before a connection is accepted."
)
_PONG: Final = f"Answer each ping with a pong that has its payload; {_SLOW}"
_CONTENT: Final = (
    "Find what changes the text on its way: a limit on its length, a parser, a proxy that rewrites messages."
)
_PROJECTS: Final = "Compare the project's owner with the token's user in every REST handler; answer 404 otherwise."

_HINTS: Final[Mapping[str, Mapping[str, str]]] = {
    "authenticated connection": {
        "a client with a token is let in": "Check --jwt-secret, --token or --account, and --token-in.",
        "it joins its own room": "Let a project's owner join its room, and answer with joinedRoom.",
    },
    "a dashboard's session": {"it hears of every task": _BROADCASTS, "its pings are answered": _PONG},
    "a long session": {
        "it hears of every task, each event once": "Add a socket to the room on each joinProjectRoom, and emit "
        "each event to it once.",
        "it comes back after each break": "Let a user in again, with the same token, however often it comes.",
        "it comes back with a renewed token": "Judge each connect by its own token, not by an earlier one.",
        "nothing else ends its connection": "Raise the limits on a connection's idle time and age.",
        "round trips are as short at its end": "Find what grows while a user stays: listeners, queues, rooms.",
        "the backend's memory does not grow": "Find what each message leaves behind: listeners, maps, caches.",
    },
    "a page that is loaded again": {"it hears its room as before": _REJOINS},
    "several tabs of one user": {"every tab hears": _BROADCASTS, "closing one leaves the others": _MEMBERS},
    "acknowledgements": {"a join is acknowledged": "Return a value from the handler of joinProjectRoom."},
    "task status updates": {
        "the start and the end are told, in order": _ORDER,
        "they name the agent": _AGENT,
        "a PATCH is told": "Broadcast taskStatusUpdate on a PATCH, with the new status, task and agent.",
        "a PATCH is told once, and to its room alone": _ROOM_ALONE,
    },
    "agent logs": {
        "they come in order, each once": "Await each event of a task before the next, and emit each once.",
        "the first has the title": "Quote the whole title in the first agentLog: it carries the trace.",
        "their times are ISO 8601, and of now": "Send an agentLog's timestamp as new Date().toISOString() of the "
        "moment, and keep the clocks of both machines right.",
        "they name the agent": _AGENT,
    },
    "a task without an agent": {
        "three events come, by the system": "Send a log, FAILED and its log once each, with agentId system.",
    },
    "sequential updates": {"each task's events are in order": _ORDER, "the tasks are in order": _ORDER},
    "an operator at work": {
        "the start of its task is told": _BROADCASTS,
        "its end is told": _BROADCASTS,
        "REST says the same": "Write a status to the database before it is broadcast.",
    },
    "a new project": {
        "its room can be joined": "Let the owner join at once: check no cached list of projects.",
        "its tasks are told": _BROADCASTS,
    },
    "the orchestrator": {
        "a task is run when it is told to": "Run it on POST /v1/orchestrator/tasks/:tid/run, and answer 201.",
    },
    "guest connection": {
        "a guest is let in": "Accept a connection without a token as a guest's, as the guide says.",
        "it joins no room": _ROOM_OWNER,
    },
    "owners and guests together": {"all owners hear": _BROADCASTS, "no guest does": _ROOM_OWNER},
    "rapid cycles": {"20 of 20 cycles connect and join": _CROWD},
    "graceful disconnection": {"those that stay hear on": _MEMBERS},
    "clients that come and go": {
        "who stays hears everything": _MEMBERS,
        "who comes late hears what comes then": _REJOINS,
        "who left hears no more": "Remove the socket from the room before leaveProjectRoom is answered.",
    },
    "clients that vanish during broadcasts": {"those that stay hear everything": _MEMBERS},
    "waves of viewers": {"each wave hears what happens in its time": _REJOINS},
    "joining and leaving": {
        "a join is answered": "Answer each joinProjectRoom with joinedRoom.",
        "a leave is answered": "Answer each leaveProjectRoom with leftRoom.",
        "nothing is heard after leaving": "Remove the socket from the room on leaveProjectRoom.",
    },
    "several rooms at once": {
        "each of 3 rooms is heard": "Keep the rooms that a socket is in when it joins another one.",
    },
    "isolation of rooms": {
        "its own room is heard": _BROADCASTS,
        "no other room is heard": _ROOM_ALONE,
        "who is in no room hears nothing": _ROOM_ALONE,
    },
    "a repeated join": {
        "it is answered again": "Answer a repeated joinProjectRoom like the first one.",
        "each event comes once": _ONCE,
    },
    "rapid room switching": {
        "100 of 100 joins are answered": "Answer each joinProjectRoom with joinedRoom, however fast they come.",
        "only the last room is heard": "Remove the socket from the room before leaveProjectRoom is answered.",
    },
    "invalid room ids": {
        "made-up ids are refused": "Refuse ids that are no project's with an exception event.",
        "the connection survives them": _ODD,
    },
    "many at once": {"50 of 50 clients connect": _CROWD, "50 of 50 are let into the room": _CROWD},
    "one broadcast to many": {"20 of 20 clients get it": _BROADCASTS, "each of them once": _ONCE},
    "high volume": {
        "20 clients hear of 20 tasks at once": _BROADCASTS,
        "each task's events are in order": _ORDER,
    },
    "memory": {
        "connections of the past cost nothing": "Free everything of a socket when it disconnects; compare heap "
        "snapshots before and after some thousand connections.",
    },
    "malformed payloads": {"the connection survives them": _ODD, "others are served meanwhile": _SERVED},
    "broken packets": {
        "whoever sends them is cut off": "Close the connection on a packet that cannot be decoded: keep the "
        "default parser, and catch no error of it.",
        "nobody else is": _MEMBERS,
    },
    "unknown events and namespaces": {
        "an unknown event does no harm": "Ignore events that have no handler: throw nothing, and close nothing.",
        "an unknown namespace is refused": "Refuse other namespaces with connect_error.",
    },
    "large payloads": {
        "the announced limit is the contract's": "Set maxHttpBufferSize to its default of 1 MB (1e6 bytes): each "
        "client may have the backend keep this much.",
        "one as large as the limit is taken": "Raise a proxy's limit to the maxHttpBufferSize that the backend "
        "announces as maxPayload.",
        "one byte more closes its connection": "Keep Engine.IO's own maxHttpBufferSize: it closes the transport, "
        "and the client comes back.",
        "nobody else's": _MEMBERS,
        "what comes back is what was sent": _CONTENT,
        "an answer beyond the limit comes whole": "Look for a limit between backend and client: maxHttpBufferSize "
        "limits what is taken, not what is sent.",
    },
    "large broadcasts": {
        "the longest title comes back whole": _CONTENT,
        "all members get the same, to the last character": _CONTENT,
        "a longer title is refused": "Answer 400 to a title of more than 255 characters, and write no row.",
    },
    "recovery of a lost connection": {
        "the backend drops it": "Close the connection on a packet that cannot be decoded.",
        "it comes back": "Let a user connect again after a lost connection.",
        "it hears its room again": _REJOINS,
    },
    "a protocol upgrade": {
        "the upgrade is made": "Offer no upgrade that is not made: transports of the server, and of its proxy.",
        "no event of its time is lost, doubled or out of order": "Keep what is sent during an upgrade until it is "
        "made, and send it once: update engine.io, and have a proxy pass one session to one process.",
    },
    "a network that breaks": {"everybody comes back": _CROWD, "everybody hears the room again": _REJOINS},
    "a slow and lossy network": {"everything arrives all the same": _BROADCASTS},
    "round trips": {
        "50 of 50 are answered": _PONG,
        "50 of 50 are acknowledged": f"Call the acknowledgement of each event that asks for it; {_SLOW}",
    },
    "round trips among many": {
        "50 more connections do not slow them": "Profile what is done for each event: nothing may go through all "
        "connections, nor for each of them on a timer.",
    },
    "throughput": {"more than 100 events a second": "Profile the handlers: each event may wait for the database."},
    "a token whose time is over": {
        "it is let in before": "Check --jwt-secret, and the clocks of both machines.",
        "it is refused after": _TOKENS,
    },
    "bad tokens": {
        "none of them connects": _TOKENS,
        "the refusal says why": "Refuse a bad token with next(new Error(reason)).",
    },
    "bad tokens in other places": {
        "none of them opens a room, in header, query or cookie": "Verify tokens wherever they are read from.",
    },
    "a foreign room": {"it is refused": _ROOM_OWNER, "it is not heard": _ROOM_OWNER},
    "guests at the door": {"a guest is let into no room": _ROOM_OWNER},
    "a token of nobody": {
        "REST refuses it": "Refuse a token without an id: a query for id = undefined finds the first user.",
        "it opens no room": _ROOM_OWNER,
    },
    "bad tokens over REST": {"REST refuses all of them": _TOKENS},
    "a foreign project": {"it is not shown": _PROJECTS, "nothing can be made or changed in it": _PROJECTS},
    "slow input": {"others are served meanwhile": _SERVED},
    "a flood of connections": {
        "others are served meanwhile": "Limit connections for each user and address, and answer the others.",
    },
}

_BY_ERROR: Final[Mapping[str, str]] = {
    "ConnectFailedError": "Find in the backend's log why it did not let the client connect; check --token-in and "
    "--transport.",
    "JoinRefusedError": "Find in the backend's log why it refused joinProjectRoom: a project's owner may join its "
    "room.",
    "EventTimeoutError": f"Find in the backend's log why it did not send the event; {_SLOW}",
    "NoAnswerError": f"Find in the backend's log why it did not serve the REST call; {_SLOW}",
}
"""By the names of the classes in `clients.errors`, which a pure module cannot import."""


def of_check(scenario: str, check: str) -> str:
    """Return the hint for a check that was made and failed."""
    return _HINTS.get(scenario, {}).get(check, _NO_HINT)


def of_error(error: Exception) -> str:
    """Return the hint for a step that failed, so that the checks after it could not be made."""
    return _BY_ERROR.get(type(error).__name__, "Find in the backend's log why it closed the connection.")
