"""For each scenario backends that are nearly right, and the checks that fail for each: these, and no others."""

from __future__ import annotations

from typing import Final

from lab.reference_backend.breakages import Breakage

WRONGS: Final[dict[str, dict[Breakage, set[str]]]] = {
    "authenticated connection": {
        Breakage.REFUSES_TOKENS: {"a client with a token is let in", "it joins its own room"},
        Breakage.REFUSES_JOINS: {"it joins its own room"},
    },
    "a dashboard's session": {
        Breakage.DEAF: {"it hears of every task"},
        Breakage.SILENT_PINGS: {"its pings are answered"},
        Breakage.MUTES_FIRST: {"it hears of every task"},
    },
    "a page that is loaded again": {
        Breakage.FORGETS_RETURNERS: {"it hears its room as before"},
        Breakage.REFUSES_RETURNERS: {"it hears its room as before"},
        Breakage.DEAF: {"it hears its room as before"},
    },
    "several tabs of one user": {
        Breakage.MUTES_FIRST: {"closing one leaves the others", "every tab hears"},
        Breakage.FORGETS_NEIGHBOURS: {"closing one leaves the others"},
        Breakage.REFUSES_SOME: {"closing one leaves the others", "every tab hears"},
    },
    "acknowledgements": {
        Breakage.NO_ACKS: {"a join is acknowledged"},
        Breakage.ACKS_ONCE: {"a join is acknowledged"},
    },
    "a long session": {
        Breakage.FORGETS_RETURNERS: {"it hears of every task, each event once"},
        Breakage.LOGS_TWICE: {"it hears of every task, each event once"},
        Breakage.UPDATES_TWICE: {"it hears of every task, each event once"},
        Breakage.REFUSES_RETURNERS: {"it comes back after each break"},
        Breakage.REFUSES_RENEWED: {"it comes back with a renewed token"},
        Breakage.CUTS_AFTER_2_S: {"nothing else ends its connection"},
        Breakage.SLOWER_WITH_AGE: {"round trips are as short at its end"},
        Breakage.SILENT_PINGS: {"round trips are as short at its end"},
        Breakage.LEAKS_MEMORY_BY_ANSWER: {"the backend's memory does not grow"},
    },
    "task status updates": {
        Breakage.SWAPPED_UPDATES: {"the start and the end are told, in order"},
        Breakage.NAMELESS: {"a PATCH is told", "they name the agent"},
        Breakage.SILENT_PATCH: {"a PATCH is told", "a PATCH is told once, and to its room alone"},
        Breakage.PATCH_EVERYWHERE: {"a PATCH is told once, and to its room alone"},
        Breakage.WRONG_AGENT: {"a PATCH is told", "they name the agent"},
        Breakage.WRONG_AGENT_IN_LOGS: {"they name the agent"},
        Breakage.NO_AGENT: {"a PATCH is told", "they name the agent"},
        Breakage.UPDATES_TWICE: {
            "a PATCH is told once, and to its room alone",
            "the start and the end are told, in order",
        },
        Breakage.TWO_ENDS: {"the start and the end are told, in order"},
        Breakage.PATCH_TWICE: {"a PATCH is told once, and to its room alone"},
        Breakage.PATCH_TO_EVERYBODY: {"a PATCH is told once, and to its room alone"},
        Breakage.PATCH_NAMELESS: {"a PATCH is told"},
        Breakage.PATCH_AS_COMPLETED: {"a PATCH is told", "a PATCH is told once, and to its room alone"},
        Breakage.WRONG_TASK: {
            "a PATCH is told",
            "a PATCH is told once, and to its room alone",
            "the start and the end are told, in order",
        },
    },
    "agent logs": {
        Breakage.SWAPPED_LOGS: {
            "the first has the title",
            "their times are ISO 8601, and of now",
            "they come in order, each once",
        },
        Breakage.NO_TITLES: {"the first has the title"},
        Breakage.NO_TIMES: {"their times are ISO 8601, and of now"},
        Breakage.WRONG_AGENT: {"they name the agent"},
        Breakage.WRONG_AGENT_IN_LOGS: {"they name the agent"},
        Breakage.NO_AGENT: {"they name the agent"},
        Breakage.WRONG_NAME: {"they name the agent"},
        Breakage.NAMELESS: {"they name the agent"},
        Breakage.MORE_FIELDS: {"they name the agent"},
        Breakage.OLD_TIMES: {"their times are ISO 8601, and of now"},
        Breakage.SHIFTED_TIMES: {"their times are ISO 8601, and of now"},
        Breakage.SHORT_TITLES: {"the first has the title"},
        Breakage.TWICE: {"they come in order, each once"},
        Breakage.UPDATES_TWICE: {"they come in order, each once"},
        Breakage.LOGS_TWICE: {"they come in order, each once"},
        Breakage.DOCKER_TWICE: {"they come in order, each once"},
        Breakage.LAST_LOG_TWICE: {"they come in order, each once"},
        Breakage.LATE_ACCEPTANCE: {"they come in order, each once"},
        Breakage.LOGS_BEFORE_UPDATES: {"they come in order, each once"},
        Breakage.SILENT_STARTS: {"they come in order, each once"},
        Breakage.TWO_ENDS: {"they come in order, each once"},
        Breakage.NO_DOCKER_LOG: {"they come in order, each once"},
        Breakage.ONE_MORE_LOG: {"they come in order, each once"},
    },
    "a task without an agent": {
        Breakage.TWICE: {"three events come, by the system"},
        Breakage.WRONG_AGENT: {"three events come, by the system"},
        Breakage.OLD_TIMES: {"three events come, by the system"},
        Breakage.LAST_LOG_TWICE: {"three events come, by the system"},
        Breakage.NO_TITLES: {"three events come, by the system"},
    },
    "sequential updates": {
        Breakage.SWAPPED_UPDATES: {"each task's events are in order"},
        Breakage.LATE_FIRST_TASK: {"each task's events are in order", "the tasks are in order"},
        Breakage.LOGS_TWICE: {"each task's events are in order"},
        Breakage.LATE_ACCEPTANCE: {"each task's events are in order"},
    },
    "an operator at work": {
        Breakage.SILENT_UPDATES: {"REST says the same", "its end is told", "the start of its task is told"},
        Breakage.SILENT_ENDS: {"REST says the same", "its end is told"},
        Breakage.TWO_ENDS: {"its end is told"},
        Breakage.REST_LIES: {"REST says the same"},
        Breakage.WRONG_TASK: {"REST says the same", "its end is told", "the start of its task is told"},
    },
    "a new project": {
        Breakage.REFUSES_JOINS: {"its room can be joined", "its tasks are told"},
        Breakage.DEAF: {"its tasks are told"},
    },
    "the orchestrator": {
        Breakage.RUNS_NOTHING: {"a task is run when it is told to"},
        Breakage.LOGS_TWICE: {"a task is run when it is told to"},
        Breakage.SILENT_ENDS: {"a task is run when it is told to"},
    },
    "guest connection": {
        Breakage.REFUSES_GUESTS: {"a guest is let in", "it joins no room"},
        Breakage.OPENS_ROOMS_TO_GUESTS: {"it joins no room"},
    },
    "owners and guests together": {
        Breakage.MUTES_FIRST: {"all owners hear"},
        Breakage.OPENS_ROOMS_TO_GUESTS: {"no guest does"},
        Breakage.DOCKER_CROSSTALK: {"no guest does"},
    },
    "rapid cycles": {
        Breakage.REFUSES_SOME: {"20 of 20 cycles connect and join"},
        Breakage.REFUSES_SOON: {"20 of 20 cycles connect and join"},
        Breakage.SKIPS_JOINS: {"20 of 20 cycles connect and join"},
        Breakage.REFUSES_RETURNERS: {"20 of 20 cycles connect and join"},
    },
    "graceful disconnection": {
        Breakage.FORGETS_NEIGHBOURS: {"those that stay hear on"},
        Breakage.MUTES_FIRST: {"those that stay hear on"},
        Breakage.DEAF: {"those that stay hear on"},
    },
    "clients that come and go": {
        Breakage.MUTES_FIRST: {"who stays hears everything"},
        Breakage.FORGETS_LATECOMERS: {"who comes late hears what comes then"},
        Breakage.KEEPS_LEAVERS: {"who left hears no more"},
        Breakage.DOCKER_CROSSTALK: {"who left hears no more"},
    },
    "clients that vanish during broadcasts": {
        Breakage.FORGETS_NEIGHBOURS: {"those that stay hear everything"},
        Breakage.MUTES_FIRST: {"those that stay hear everything"},
    },
    "waves of viewers": {
        Breakage.FORGETS_LATECOMERS: {"each wave hears what happens in its time"},
        Breakage.MUTES_FIRST: {"each wave hears what happens in its time"},
        Breakage.FORGETS_NEIGHBOURS: {"each wave hears what happens in its time"},
    },
    "joining and leaving": {
        Breakage.REFUSES_JOINS: {"a join is answered", "a leave is answered", "nothing is heard after leaving"},
        Breakage.LEAVES_SILENTLY: {"a leave is answered", "nothing is heard after leaving"},
        Breakage.KEEPS_LEAVERS: {"nothing is heard after leaving"},
        Breakage.DOCKER_CROSSTALK: {"nothing is heard after leaving"},
    },
    "several rooms at once": {
        Breakage.ONE_ROOM_ONLY: {"each of 3 rooms is heard"},
        Breakage.UPDATES_TWICE: {"each of 3 rooms is heard"},
        Breakage.MUTES_FIRST: {"each of 3 rooms is heard"},
    },
    "isolation of rooms": {
        Breakage.DEAF: {"its own room is heard", "no other room is heard", "who is in no room hears nothing"},
        Breakage.STRAY_DOCKER: {"no other room is heard"},
        Breakage.CROSSTALK: {"no other room is heard", "who is in no room hears nothing"},
        Breakage.DOCKER_CROSSTALK: {"no other room is heard", "who is in no room hears nothing"},
        Breakage.LOG_CROSSTALK: {"no other room is heard", "who is in no room hears nothing"},
        Breakage.UPDATE_CROSSTALK: {"no other room is heard", "who is in no room hears nothing"},
        Breakage.SYSTEM_CROSSTALK: {"no other room is heard", "who is in no room hears nothing"},
    },
    "a repeated join": {
        Breakage.JOINS_ONCE: {"each event comes once", "it is answered again"},
        Breakage.TWICE: {"each event comes once"},
        Breakage.LOGS_TWICE: {"each event comes once"},
    },
    "rapid room switching": {
        Breakage.SKIPS_JOINS: {"100 of 100 joins are answered", "only the last room is heard"},
        Breakage.KEEPS_LEAVERS: {"only the last room is heard"},
        Breakage.DOCKER_CROSSTALK: {"only the last room is heard"},
    },
    "invalid room ids": {
        Breakage.OPENS_UNKNOWN_ROOMS: {"made-up ids are refused", "the connection survives them"},
        Breakage.CLOSES_ON_ODD: {"made-up ids are refused", "the connection survives them"},
        Breakage.SKIPS_JOINS: {"made-up ids are refused"},
    },
    "many at once": {
        Breakage.REFUSES_CROWDS: {"50 of 50 are let into the room", "50 of 50 clients connect"},
        Breakage.JOINS_FEW: {"50 of 50 are let into the room"},
        Breakage.REFUSES_SOON: {"50 of 50 are let into the room", "50 of 50 clients connect"},
    },
    "one broadcast to many": {
        Breakage.MUTES_FIRST: {"20 of 20 clients get it", "each of them once"},
        Breakage.TWICE: {"each of them once"},
        Breakage.UPDATES_TWICE: {"each of them once"},
        Breakage.LOGS_TWICE: {"each of them once"},
        Breakage.LATE_ACCEPTANCE: {"each of them once"},
    },
    "high volume": {
        Breakage.MUTES_FIRST: {"20 clients hear of 20 tasks at once", "each task's events are in order"},
        Breakage.SWAPPED_UPDATES: {"each task's events are in order"},
        Breakage.UPDATES_TWICE: {"each task's events are in order"},
        Breakage.LOGS_TWICE: {"each task's events are in order"},
    },
    "round trips among many": {
        Breakage.SLOWER_WITH_EACH: {"50 more connections do not slow them"},
        Breakage.REFUSES_CROWDS: {"50 more connections do not slow them"},
    },
    "memory": {
        Breakage.KEEPS_60_KB: {"connections of the past cost nothing"},
        Breakage.LEAKS_MEMORY: {"connections of the past cost nothing"},
    },
    "malformed payloads": {
        Breakage.CLOSES_ON_ODD: {"the connection survives them"},
        Breakage.STUMBLES: {"others are served meanwhile", "the connection survives them"},
    },
    "broken packets": {
        Breakage.KEEPS_BROKEN: {"whoever sends them is cut off"},
        Breakage.FORGETS_NEIGHBOURS: {"nobody else is"},
        Breakage.MUTES_FIRST: {"nobody else is"},
    },
    "unknown events and namespaces": {
        Breakage.CLOSES_ON_UNKNOWN: {"an unknown event does no harm", "an unknown namespace is refused"},
        Breakage.IGNORES_NAMESPACES: {"an unknown namespace is refused"},
    },
    "large payloads": {
        Breakage.TAKES_MUCH: {"the announced limit is the contract's"},
        Breakage.TAKES_LESS: {
            "an answer beyond the limit comes whole",
            "one as large as the limit is taken",
            "what comes back is what was sent",
        },
        Breakage.TAKES_MORE: {"one byte more closes its connection"},
        Breakage.CLOSES_NEIGHBOURS: {"nobody else's"},
        Breakage.ALTERS_LARGE: {"an answer beyond the limit comes whole", "what comes back is what was sent"},
        Breakage.LOSES_OVER_LIMIT: {"an answer beyond the limit comes whole"},
        Breakage.TAKES_LITTLE: {
            "an answer beyond the limit comes whole",
            "one as large as the limit is taken",
            "what comes back is what was sent",
        },
        Breakage.IGNORES_LARGE: {"one byte more closes its connection"},
        Breakage.DISMISSES_LARGE: {"one byte more closes its connection"},
        Breakage.CUTS_LARGE: {"an answer beyond the limit comes whole", "what comes back is what was sent"},
        Breakage.LOSES_LARGE: {"an answer beyond the limit comes whole", "what comes back is what was sent"},
    },
    "large broadcasts": {
        Breakage.ALTERS_LONG_LOGS: {"the longest title comes back whole"},
        Breakage.ALTERS_FOR_ONE: {
            "all members get the same, to the last character",
            "the longest title comes back whole",
        },
        Breakage.TAKES_LONG_TITLES: {"a longer title is refused"},
        Breakage.CUTS_LONG_LOGS: {"the longest title comes back whole"},
        Breakage.LOSES_LONG_LOGS: {"the longest title comes back whole"},
        Breakage.LOSES_FOR_ONE: {
            "all members get the same, to the last character",
            "the longest title comes back whole",
        },
    },
    "recovery of a lost connection": {
        Breakage.KEEPS_BROKEN: {"it comes back", "it hears its room again", "the backend drops it"},
        Breakage.REFUSES_RETURNERS: {"it comes back", "it hears its room again"},
        Breakage.FORGETS_RETURNERS: {"it hears its room again"},
    },
    "a protocol upgrade": {
        Breakage.UPGRADE_IGNORED: {"no event of its time is lost, doubled or out of order", "the upgrade is made"},
        Breakage.UPGRADE_LOSES: {"no event of its time is lost, doubled or out of order"},
        Breakage.UPGRADE_DOUBLES: {"no event of its time is lost, doubled or out of order"},
        Breakage.UPGRADE_SWAPS: {"no event of its time is lost, doubled or out of order"},
    },
    "a network that breaks": {
        Breakage.REFUSES_SOON: {"everybody comes back", "everybody hears the room again"},
        Breakage.FORGETS_RETURNERS: {"everybody hears the room again"},
        Breakage.MUTES_FIRST: {"everybody hears the room again"},
        Breakage.REFUSES_RETURNERS: {"everybody comes back", "everybody hears the room again"},
    },
    "a slow and lossy network": {
        Breakage.MUTES_FIRST: {"everything arrives all the same"},
        Breakage.SILENT_ENDS: {"everything arrives all the same"},
        Breakage.REFUSES_JOINS: {"everything arrives all the same"},
    },
    "round trips": {
        Breakage.SILENT_PINGS: {"50 of 50 are acknowledged", "50 of 50 are answered"},
        Breakage.NO_ACKS: {"50 of 50 are acknowledged"},
        Breakage.ACKS_ONCE: {"50 of 50 are acknowledged"},
    },
    "throughput": {
        Breakage.ANSWERS_90: {"more than 100 events a second"},
        Breakage.PONGS_TAKE_61_MS: {"more than 100 events a second"},
    },
    "a token whose time is over": {
        Breakage.REFUSES_TOKENS: {"it is let in before"},
        Breakage.TAKES_BAD_TOKENS: {"it is refused after"},
        Breakage.TAKES_EXPIRED: {"it is refused after"},
    },
    "bad tokens": {
        Breakage.TAKES_BAD_TOKENS: {"none of them connects", "the refusal says why"},
        Breakage.REFUSES_SILENTLY: {"the refusal says why"},
        Breakage.TAKES_EXPIRED: {"none of them connects"},
    },
    "bad tokens in other places": {
        Breakage.BELIEVES_ELSEWHERE: {"none of them opens a room, in header, query or cookie"},
        Breakage.BELIEVES_HEADERS: {"none of them opens a room, in header, query or cookie"},
        Breakage.BELIEVES_QUERIES: {"none of them opens a room, in header, query or cookie"},
        Breakage.BELIEVES_COOKIES: {"none of them opens a room, in header, query or cookie"},
    },
    "a foreign room": {
        Breakage.OPENS_FOREIGN_ROOMS: {"it is not heard", "it is refused"},
        Breakage.ENTERS_REFUSED: {"it is not heard"},
        Breakage.DOCKER_CROSSTALK: {"it is not heard"},
    },
    "guests at the door": {
        Breakage.OPENS_ROOMS_TO_GUESTS: {"a guest is let into no room"},
        Breakage.ENTERS_REFUSED: {"a guest is let into no room"},
        Breakage.DOCKER_CROSSTALK: {"a guest is let into no room"},
    },
    "a token of nobody": {
        Breakage.OPENS_ROOMS_TO_NOBODY: {"it opens no room"},
        Breakage.ENTERS_REFUSED: {"it opens no room"},
    },
    "bad tokens over REST": {
        Breakage.REST_BELIEVES: {"REST refuses all of them"},
        Breakage.REST_TAKES_EXPIRED: {"REST refuses all of them"},
    },
    "a foreign project": {
        Breakage.REST_SHOWS_ALL: {"it is not shown", "nothing can be made or changed in it"},
        Breakage.REST_SHOWS_TASKS: {"it is not shown"},
        Breakage.REST_TAKES_TASKS: {"nothing can be made or changed in it"},
        Breakage.REST_TAKES_PATCHES: {"nothing can be made or changed in it"},
    },
    "slow input": {
        Breakage.JOINS_NONE_IN_CROWDS: {"others are served meanwhile"},
        Breakage.REFUSES_CROWDS: {"others are served meanwhile"},
    },
    "a flood of connections": {
        Breakage.REFUSES_CROWDS: {"others are served meanwhile"},
        Breakage.JOINS_NONE_IN_CROWDS: {"others are served meanwhile"},
    },
}
"""Scenario -> breakage -> checks, without Docker. A check that is not reached after a failed one fails, too."""
