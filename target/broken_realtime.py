"""A Socket.IO side that does wrong what it is told to; see `breakages`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import jwt
import socketio

from backend import contract

from .breakages import Breakage
from .broken_broadcasts import Spoiler
from .javascript import UNDEFINED, js_string
from .realtime import Realtime
from .tokens import Keys

if TYPE_CHECKING:
    from .breakages import Breakages
    from .database import Database
    from .profile import Profile
    from .tokens import Tokens

_CROWD = 40
_FEW = 40
_SOON = 15
_LITTLE_BYTES = 100_000
_MUCH_BYTES = 10_000_000
_LEAK_BYTES = 2_000_000
_SLOW_S = 0.05
_ELSEWHERE = Keys("", "", places=("header", "query", "cookie"))


class BrokenRealtime(Realtime):
    """See the module."""

    def __init__(self, profile: Profile, tokens: Tokens, database: Database, breakages: Breakages) -> None:
        super().__init__(profile, tokens, database)
        self._broken = breakages
        self._leaked: list[bytearray] = []
        self.server.on("disconnect", self._disconnected)
        self.server.on("*", self._unknown)
        self.server.tolerates = lambda: Breakage.KEEPS_BROKEN in breakages
        self.server.ignores_namespaces = lambda: Breakage.IGNORES_NAMESPACES in breakages
        self.reset()

    def reset(self) -> None:
        """Forget who was here; take messages of the size that the switches say."""
        self._users: set[str] = set()
        self._was_in: set[tuple[str, str]] = set()
        self._spoken: set[str] = set()
        self._present: set[str] = set()
        self._spoiler = Spoiler(self._broken)
        self._leaked.clear()
        self._stumbled = False
        size = contract.MAX_PAYLOAD_BYTES
        if Breakage.TAKES_LITTLE in self._broken:
            size = _LITTLE_BYTES
        elif Breakage.TAKES_MUCH in self._broken:
            size = _MUCH_BYTES
        self.server.eio.max_http_buffer_size = size

    def _acks(self) -> bool:
        return super()._acks() and Breakage.NO_ACKS not in self._broken

    # Broadcasts

    async def broadcast(self, project_id: str, event: str, payload: dict[str, Any]) -> None:
        """Send what goes out instead, to whom it goes then."""
        self._spoken.add(project_id)
        for name, data in self._spoiler.instead(project_id, event, payload):
            if Breakage.MUTES_FIRST in self._broken:
                manager = self.server.manager
                members = [sid for sid, _ in manager.get_participants(contract.NAMESPACE, project_id)]
                await self.server.emit(name, data, room=project_id, skip_sid=members[:1])
            elif Breakage.CROSSTALK in self._broken:
                await self.server.emit(name, data)
            else:
                for _ in range(2 if Breakage.TWICE in self._broken else 1):
                    await super().broadcast(project_id, name, data)

    # Connections

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
            if Breakage.TAKES_BAD_TOKENS not in broken:
                raise
            await self._believe(sid, str(given))
        if Breakage.BELIEVES_ELSEWHERE in broken and given is None:
            await self._believe(sid, _ELSEWHERE.find(None, environ) or "")
        self._present.add(sid)
        if Breakage.LEAKS_MEMORY in broken:
            self._leaked.append(bytearray(b"x" * _LEAK_BYTES))

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
        if Breakage.SLOW_ANSWERS in broken:
            await asyncio.sleep(_SLOW_S)
        if Breakage.REFUSES_JOINS in broken:
            await self._refuse(sid, "broken")
            return None
        if Breakage.ONE_ROOM_ONLY in broken:
            for room in self._rooms_of(sid):
                await self.server.leave_room(sid, room)
        answer = await super()._join(sid, project_id)
        session = await self.server.get_session(sid)
        place = (str(session["user_id"]), js_string(project_id))
        forgotten = (place in self._was_in and Breakage.FORGETS_RETURNERS in broken) or (
            place[1] in self._spoken and Breakage.FORGETS_LATECOMERS in broken
        )
        self._was_in.add(place)
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
        if Breakage.SLOW_ANSWERS in self._broken:
            await asyncio.sleep(_SLOW_S)
        if payload is UNDEFINED and Breakage.CLOSES_ON_ODD in self._broken:
            await self._close(sid)
        return await super()._ping(sid, payload)
