"""The Prometheus Backend, as documented and as built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from loadtest.backends.base import Adapter, Call, Wanted, Words
from loadtest.backends.prometheus import contract, preflight
from loadtest.backends.prometheus.provision import SqlProvision
from loadtest.backends.prometheus.reader import Reader
from loadtest.backends.prometheus.rest_provision import RestProvision

if TYPE_CHECKING:
    from loadtest.backends.plan import Room
    from loadtest.backends.prometheus.provision import Provision
    from loadtest.backends.rest import RestClient
    from loadtest.measurement.sighting import FrameReader


class Prometheus:
    """Implements `adapter.Adapter`."""

    reader: FrameReader = Reader()
    words = Words(contract.JOIN, contract.JOINED, contract.LEAVE, contract.LEFT, contract.EXCEPTION)
    trigger_name = "/v1/projects/:id/tasks"
    plays_scenarios = True
    trigger_effect = "each creates a task, and where agents run, starts a container and calls an LLM"

    def check(self, client: RestClient) -> str:
        """By its health, and by Engine.IO's opening."""
        preflight.check_backend(client)
        answer = client.ask_ok("GET", contract.HEALTH_INFO)
        return answer.header(contract.PROFILE_HEADER) or answer.value("profile") or "unknown"

    def provision(self, wanted: Wanted) -> Provision:
        """By SQL where the database is known, else through REST."""
        if wanted.database_url:
            assert wanted.mint is not None
            return SqlProvision(
                wanted.database_url,
                wanted.mint,
                wanted.run_id,
                wanted.lifetime_s,
                rooms_each=wanted.rooms_each,
                tasks_each=wanted.tasks_each,
                keep=wanted.keep,
            )
        return RestProvision(
            wanted.client,
            wanted.run_id,
            token=wanted.token,
            new_token=wanted.new_token,
            accounts=wanted.accounts,
            rooms_each=wanted.rooms_each,
            keep=wanted.keep,
        )

    def check_rooms(self, client: RestClient, rooms: tuple[Room, ...]) -> None:
        """By asking for the first one's project."""
        preflight.check_rooms(client, rooms)

    def is_about(self, room_id: str, answer: Any) -> bool:
        """Its answers are sentences that end in the room's id."""
        return str(answer).endswith(room_id)

    def trigger(self, room: Room, title: str) -> Call:
        """A task."""
        body = {"title": title, "description": "made by a load test", "agentId": room.agent_id}
        return Call("POST", contract.tasks_path(room.project_id), body)

    def key_of(self, answer: Any) -> str:
        """The task's id."""
        return str(answer["id"])


BACKEND: Final[Adapter] = Prometheus()
