"""A Socket.IO side that does wrong what it is told to; see `breakages`."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import jwt
import socketio

from lab.reference_backend.breakages import Breakage
from lab.reference_backend.broken_broadcasts import PATCHING, Spoiler
from lab.reference_backend.broken_texts import NotSentError, altered, spoilt
from lab.reference_backend.javascript import UNDEFINED, js_string
from lab.reference_backend.realtime import Realtime
from lab.reference_backend.tokens import Keys
from loadtest.backends.prometheus import contract

if TYPE_CHECKING:
    from lab.reference_backend.breakages import Breakages
    from lab.reference_backend.database import Database
    from lab.reference_backend.profile import Profile
    from lab.reference_backend.tokens import Tokens

_CROWD = 40
_FEW = 40
_SOON = 15
_MUCH_BYTES = 2_000_000
_LONG_CHARS = 200
_KEPT_BYTES = {Breakage.KEEPS_60_KB: 60 * 1024, Breakage.LEAKS_MEMORY: 2_000_000}
"""By each connection."""
_LEAKED_BYTES_PER_S = 5_000_000
_LEAKED_BYTES_BY_ANSWER = 1_000_000
_FAST_S, _SLOW_S = 0.022, 0.1
"""In turns: 61 ms in the mean, and never 200."""
_PAUSE_S = 0.25
_EACH_S = 0.0005
_ANSWERS_PER_S = 90
_AGE_SHARE = 0.005
_OLD_S = 2.0
_BELIEVED = {
    Breakage.BELIEVES_ELSEWHERE: ("header", "query", "cookie"),
    Breakage.BELIEVES_HEADERS: ("header",),
    Breakage.BELIEVES_QUERIES: ("query",),
    Breakage.BELIEVES_COOKIES: ("cookie",),
}
"""Places where a token is believed that no honest backend looks at."""
_TAKEN_BYTES = {
    Breakage.TAKES_LITTLE: 100_000,
    Breakage.TAKES_LESS: contract.MAX_PAYLOAD_BYTES - 1,
    Breakage.TAKES_MORE: contract.MAX_PAYLOAD_BYTES + 1_000,
    # Read, to do something else with them than to close their connection.
    Breakage.CLOSES_NEIGHBOURS: 10_000_000,
    Breakage.DISMISSES_LARGE: 10_000_000,
    Breakage.IGNORES_LARGE: 10_000_000,
}
"""What is taken where another limit is announced."""
_UNFAIR = frozenset((Breakage.ALTERS_FOR_ONE, Breakage.LOSES_FOR_ONE))


class _Limit(int):
    """A number of bytes to announce; python-engineio compares messages with another one."""

    taken: int

    def __lt__(self, size: int) -> bool:
        """Return whether a message is too large: what `size > limit` asks first."""
        return int(self.taken) < size


class BrokenRealtime(Realtime):
    """See the module."""

    def __init__(self, profile: Profile, tokens: Tokens, database: Database, breakages: Breakages) -> None:
        super().__init__(profile, tokens, database)
        self._broken = breakages
        self._leaked: list[bytearray] = []
        self._leaking: asyncio.Task[None] | None = None
        self._cutting: set[asyncio.Task[None]] = set()
        self._pace = asyncio.Lock()
        self.server.on("disconnect", self._disconnected)
        self.server.on("*", self._unknown)
        self.server.tolerates = lambda: Breakage.KEEPS_BROKEN in breakages
        self.server.ignores_probes = lambda: Breakage.UPGRADE_IGNORED in breakages
        self.server.ignores_namespaces = lambda: Breakage.IGNORES_NAMESPACES in breakages
        self.server.swallows = self._swallow
        self._emit = self.server.emit
        self.server.emit = self._emit_spoilt
        self.reset()

    def reset(self) -> None:
        """Forget who was here; offer the transports, and take messages of the size, that the switches say."""
        self._users: set[str] = set()
        self._first_tokens: dict[str, str] = {}
        self._first_seen_s: dict[str, float] = {}
        self._was_in: set[tuple[str, str]] = set()
        self._spoken: set[str] = set()
        self._acknowledged: set[str] = set()
        self._joined_rooms: set[str] = set()
        self._held: dict[str, list[tuple[str, dict[str, Any]]]] = {}
        self._present: set[str] = set()
        self._spoiler = Spoiler(self._broken)
        self._leaked.clear()
        if self._leaking is not None:
            self._leaking.cancel()
        slowly = Breakage.LEAKS_MEMORY_BY_TIME in self._broken
        self._leaking = asyncio.create_task(self._leak()) if slowly else None
        self._stumbled = False
        taken = next((size for breakage, size in _TAKEN_BYTES.items() if breakage in self._broken), None)
        limit = _Limit(contract.MAX_PAYLOAD_BYTES)
        if Breakage.TAKES_MUCH in self._broken:
            limit = _Limit(_MUCH_BYTES)
        limit.taken = limit if taken is None else taken
        self.server.eio.max_http_buffer_size = limit
        missing = {Breakage.NO_WEBSOCKET: "websocket", Breakage.NO_POLLING: "polling"}
        gone = [transport for breakage, transport in missing.items() if breakage in self._broken]
        self.server.eio.transports = [name for name in missing.values() if name not in gone]
        self.server.eio.allow_upgrades = not gone

    def _acks(self, sid: str) -> bool:
        again = sid in self._acknowledged
        self._acknowledged.add(sid)
        refused = Breakage.NO_ACKS in self._broken or (again and Breakage.ACKS_ONCE in self._broken)
        return super()._acks(sid) and not refused

    # Broadcasts

    async def broadcast(self, project_id: str, event: str, payload: dict[str, Any]) -> None:
        """Send what goes out instead, to whom it goes then."""
        self._spoken.add(project_id)
        for name, data in self._spoiler.instead(project_id, event, payload):
            for room in self._audience(project_id, name, data):
                if room is not None and name == contract.AGENT_LOG and not _UNFAIR.isdisjoint(self._broken.on):
                    await self._send_unfairly(room, data)
                    continue
                upgrading = self._upgrading(room)
                await self.server.emit(name, data, room=room, skip_sid=[*self._muted(room), *upgrading])
                await self._during_upgrade(upgrading, name, data)

    def _upgrading(self, room: str | None) -> list[str]:
        """Return the members that are being upgraded, if what they are sent is broken."""
        breakages = (Breakage.UPGRADE_LOSES, Breakage.UPGRADE_DOUBLES, Breakage.UPGRADE_SWAPS)
        if not any(breakage in self._broken for breakage in breakages):
            return []
        manager, sockets = self.server.manager, self.server.eio.sockets
        members = manager.get_participants(contract.NAMESPACE, room)
        return [sid for sid, eio_sid in members if eio_sid in sockets and sockets[eio_sid].upgrading]

    async def _during_upgrade(self, upgrading: list[str], event: str, payload: dict[str, Any]) -> None:
        for sid in upgrading:
            if Breakage.UPGRADE_SWAPS in self._broken:
                self._held.setdefault(sid, []).append((event, payload))
            for _ in range(2 if Breakage.UPGRADE_DOUBLES in self._broken else 0):
                await self.server.emit(event, payload, to=sid)
        for sid in set(self._held).difference(upgrading):
            for held in reversed(self._held.pop(sid)):
                await self.server.emit(*held, to=sid)

    def _audience(self, project_id: str, event: str, payload: dict[str, Any]) -> list[str | None]:
        """Return the rooms that it goes to; None for every socket."""
        if self._spoiler.is_for_everybody(event, payload):
            return [None]
        everywhere = Breakage.PATCH_EVERYWHERE in self._broken and PATCHING.get()
        if not everywhere and not self._spoiler.strays(event, payload):
            return [project_id]
        known = self.server.manager.rooms.get(contract.NAMESPACE, {})
        others = [room for room in sorted(self._joined_rooms) if room in known and room != project_id]
        return [project_id, *(others if everywhere else others[:1])]

    def _muted(self, room: str | None) -> list[str]:
        if Breakage.MUTES_FIRST not in self._broken or room is None:
            return []
        return [sid for sid, _ in self.server.manager.get_participants(contract.NAMESPACE, room)][:1]

    async def _send_unfairly(self, project_id: str, log: dict[str, Any]) -> None:
        """Send a log to all members, and to the last one another or none."""
        manager = self.server.manager
        last = [sid for sid, _ in manager.get_participants(contract.NAMESPACE, project_id)][-1:]
        await self.server.emit(contract.AGENT_LOG, log, room=project_id, skip_sid=last)
        if Breakage.ALTERS_FOR_ONE in self._broken:
            log = {**log, "message": altered(log["message"])}
        elif len(log["message"]) > _LONG_CHARS:
            return
        for sid in last:
            await self.server.emit(contract.AGENT_LOG, log, to=sid)

    async def _emit_spoilt(self, event: str, data: Any = None, **options: Any) -> None:
        with suppress(NotSentError):
            await self._emit(event, spoilt(event, data, self._broken), **options)

    # Connections

    async def _swallow(self, eio_sid: str, size: int) -> bool:
        """Take a message over the limit in another way than by closing its connection."""
        if size <= contract.MAX_PAYLOAD_BYTES:
            return False
        if Breakage.CLOSES_NEIGHBOURS in self._broken:
            for sid in list(self._present):
                await self._close(sid)
            return True
        if Breakage.DISMISSES_LARGE in self._broken:
            await self.server.disconnect(self.server.manager.sid_from_eio_sid(eio_sid, contract.NAMESPACE))
            return True
        return Breakage.IGNORES_LARGE in self._broken

    async def _connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        broken = self._broken
        given = auth.get(contract.TOKEN) if isinstance(auth, dict) else None
        if (
            (given is not None and Breakage.REFUSES_TOKENS in broken)
            or (given is None and Breakage.REFUSES_GUESTS in broken)
            or broken.every(3, Breakage.REFUSES_SOME)
            or broken.after(_SOON, Breakage.REFUSES_SOON)
            or (len(self._present) >= _CROWD and Breakage.REFUSES_CROWDS in broken)
            or (given in self._users and Breakage.REFUSES_RETURNERS in broken)
        ):
            raise socketio.exceptions.ConnectionRefusedError("broken")
        if given is not None:
            self._users.add(given)
        try:
            await super()._connect(sid, environ, auth)
        except socketio.exceptions.ConnectionRefusedError:
            if Breakage.REFUSES_SILENTLY in broken:
                await self._close(sid)
            expired = Breakage.TAKES_EXPIRED in broken and self._tokens.has_expired(given)
            if not (expired or Breakage.TAKES_BAD_TOKENS in broken):
                raise
            await self._believe(sid, str(given))
        for breakage, places in _BELIEVED.items():
            if breakage in broken and given is None:
                await self._believe(sid, Keys("", "", places=places).find(None, environ) or "")
        self._present.add(sid)
        await self._know(sid, str(given))
        for leak, kept_bytes in _KEPT_BYTES.items():
            if leak in broken:
                self._leaked.append(bytearray(b"x" * kept_bytes))

    async def _know(self, sid: str, token: str) -> None:
        """Keep when and with which token a user came first, and do what follows from that."""
        user = str((await self.server.get_session(sid))["user_id"])
        self._first_seen_s.setdefault(user, time.monotonic())
        first = self._first_tokens.setdefault(user, token)
        if token != first and Breakage.REFUSES_RENEWED in self._broken:
            raise socketio.exceptions.ConnectionRefusedError("broken")
        if Breakage.CUTS_AFTER_2_S in self._broken:
            self._cutting.add(asyncio.create_task(self._cut_when_old(sid)))

    async def _cut_when_old(self, sid: str) -> None:
        await asyncio.sleep(_OLD_S)
        if sid in self._present:
            await self._close(sid)

    async def _leak(self) -> None:
        while True:
            self._leaked.append(bytearray(b"x" * _LEAKED_BYTES_PER_S))
            await asyncio.sleep(1)

    async def _believe(self, sid: str, token: str) -> None:
        """Take a token without a look at its signature; of one that is none, nobody."""
        try:
            payload = jwt.decode(token, options={"verify_signature": False}) if token else {}
        except jwt.InvalidTokenError:
            payload = {}
        session = await self.server.get_session(sid)
        await self.server.save_session(sid, {"connected_s": 0.0, **session, "user_id": payload.get("id")})

    async def _disconnected(self, sid: str, _reason: str) -> None:
        self._present.discard(sid)
        if Breakage.FORGETS_NEIGHBOURS in self._broken:
            for room in self._rooms_of(sid):
                await self.server.close_room(room)

    async def _unknown(self, _event: str, sid: str, *_arguments: Any) -> Any:
        if Breakage.CLOSES_ON_UNKNOWN in self._broken:
            await self._close(sid)
        return self._no_ack

    def _rooms_of(self, sid: str) -> list[Any]:
        """Where it is, but for the room of its own that every socket has."""
        return [room for room in self.server.rooms(sid) if room != sid]

    async def _close(self, sid: str) -> None:
        await self.server.close_transport(self.server.manager.eio_sid_from_sid(sid, contract.NAMESPACE))

    # Events

    async def _join(self, sid: str, project_id: Any) -> str | None:
        broken = self._broken
        odd = not isinstance(project_id, str) or len(project_id) != len("00000000-0000-4000-8000-000000000000")
        if odd and Breakage.CLOSES_ON_ODD in broken:
            await self._close(sid)
            return None
        self._stumbled = self._stumbled or (odd and Breakage.STUMBLES in broken)
        if (
            self._stumbled
            or (len(self._present) >= _CROWD and Breakage.JOINS_NONE_IN_CROWDS in broken)
            or broken.every(7, Breakage.SKIPS_JOINS)
            or broken.after(_FEW, Breakage.JOINS_FEW)
            or (Breakage.JOINS_ONCE in broken and project_id in self.server.rooms(sid))
        ):
            return None
        await self._dawdle(sid)
        if Breakage.REFUSES_JOINS in broken:
            await self._refuse(sid, "broken")
            return None
        if Breakage.ONE_ROOM_ONLY in broken:
            for room in self._rooms_of(sid):
                await self.server.leave_room(sid, room)
        answer = await super()._join(sid, project_id)
        await self._dawdle_before_the_ack()
        session = await self.server.get_session(sid)
        place = (str(session["user_id"]), js_string(project_id))
        forgotten = (place in self._was_in and Breakage.FORGETS_RETURNERS in broken) or (
            place[1] in self._spoken and Breakage.FORGETS_LATECOMERS in broken
        )
        self._was_in.add(place)
        if answer is not None:
            self._joined_rooms.add(place[1])
        if answer is not None and forgotten:
            await self.server.leave_room(sid, project_id)
        return answer

    async def _refusal(self, sid: str, project_id: Any) -> str | None:
        broken = self._broken
        refusal = await super()._refusal(sid, project_id)
        if refusal is None:
            return None
        nobody = (await self.server.get_session(sid)).get("nobody", False)
        guest = refusal.startswith("Unauthorized")
        opened = (
            (guest and Breakage.OPENS_ROOMS_TO_GUESTS in broken)
            or (guest and nobody and Breakage.OPENS_ROOMS_TO_NOBODY in broken)
            or (refusal.startswith("Forbidden") and Breakage.OPENS_FOREIGN_ROOMS in broken)
            or (refusal.startswith(("Invalid", "Project")) and Breakage.OPENS_UNKNOWN_ROOMS in broken)
        )
        if opened:
            return None
        if Breakage.ENTERS_REFUSED in broken and isinstance(project_id, str):
            await self.server.enter_room(sid, project_id)
        return refusal

    async def _leave(self, sid: str, project_id: Any) -> str | None:
        if Breakage.LEAVES_SILENTLY in self._broken:
            return None
        answer = await super()._leave(sid, project_id)
        if answer is not None and Breakage.KEEPS_LEAVERS in self._broken:
            await self.server.enter_room(sid, project_id)
        return answer

    async def _ping(self, sid: str, payload: Any) -> Any:
        if self._broken.every(3, Breakage.SILENT_PINGS):
            return None
        await self._dawdle(sid)
        if payload is UNDEFINED and Breakage.CLOSES_ON_ODD in self._broken:
            await self._close(sid)
        return await super()._ping(sid, payload)

    # Times

    async def _dawdle(self, sid: str) -> None:
        """Wait before an event is answered."""
        broken = self._broken
        if Breakage.PONGS_TAKE_61_MS in broken:
            await asyncio.sleep(_SLOW_S if broken.every(2, Breakage.PONGS_TAKE_61_MS) else _FAST_S)
        if broken.every(25, Breakage.ONE_SLOW_PONG):
            await asyncio.sleep(_PAUSE_S)
        if Breakage.SLOWER_WITH_EACH in broken:
            await asyncio.sleep(_EACH_S * len(self._present))
        if Breakage.LEAKS_MEMORY_BY_ANSWER in broken:
            self._leaked.append(bytearray(b"x" * _LEAKED_BYTES_BY_ANSWER))
        if Breakage.SLOWER_WITH_AGE in broken:
            user = str((await self.server.get_session(sid))["user_id"])
            await asyncio.sleep(_AGE_SHARE * (time.monotonic() - self._first_seen_s[user]))
        if Breakage.ANSWERS_90 in broken:
            async with self._pace:
                await asyncio.sleep(1 / _ANSWERS_PER_S)

    async def _dawdle_before_the_ack(self) -> None:
        """Wait when the event was answered, before it is acknowledged."""
        if Breakage.ACKS_TAKE_61_MS in self._broken:
            await asyncio.sleep(_SLOW_S if self._broken.every(2, Breakage.ACKS_TAKE_61_MS) else _FAST_S)
