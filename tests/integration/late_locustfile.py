"""Viewers that stay, and users that come and go, half of them within two seconds."""

from random import Random

from locust import task
from locust.exception import StopUser

from loadtest.run import hooks
from loadtest.users.publisher import Publisher
from loadtest.users.socketio_user import SocketIOUser
from loadtest.users.viewer import Viewer

hooks.install()
__all__ = ["Publisher", "Viewer", "Visitor"]
HALF_LIFE_S = 2.0

Viewer.weight = 3


class Visitor(SocketIOUser):
    """Connects, joins, stays for a while and leaves, again and again, each time as a new user."""

    weight = 1

    @task
    def visit(self) -> None:
        """Make one visit."""
        context = self.run_context
        number = context.number("visit")
        room = context.plan.room_of(number)
        self.connect(context.plan.rooms[room].token)
        self.join(room)
        over = context.over.wait(Random(number).expovariate(0.6931 / HALF_LIFE_S))
        self.on_stop()
        if over:
            raise StopUser
        self.on_start()
