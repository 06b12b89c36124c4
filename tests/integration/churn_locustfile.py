"""Users that come and go all the time: what is owed to whom changes at any moment."""

from locust import task
from locust.exception import StopUser

from loadtest.run import hooks
from loadtest.users.publisher import Publisher
from loadtest.users.socketio_user import SocketIOUser

hooks.install()
__all__ = ["Churner", "Hopper", "Publisher"]


class Churner(SocketIOUser):
    """Connects, joins, stays for a moment, and goes; again and again, each time as somebody new."""

    @task
    def come_and_go(self) -> None:
        """One visit."""
        context = self.run_context
        visit = context.number("visit")
        room = context.plan.room_of(visit)
        self.connect(context.plan.rooms[room].token)
        self.join(room)
        over = context.over.wait(0.2 + visit % 7 / 5)
        self.on_stop()
        if over:
            raise StopUser
        self.on_start()


class Hopper(SocketIOUser):
    """Stays connected, and joins and leaves its room all the time."""

    def on_start(self) -> None:
        """Connect."""
        super().on_start()
        plan = self.run_context.plan
        self.room = plan.room_of(self.run_context.number("hopper"))
        self.hops = 0
        self.connect(plan.rooms[self.room].token)

    @task
    def hop(self) -> None:
        """Join the room, stay for a moment, leave it."""
        self.hops += 1
        self.join(self.room)
        if self.run_context.over.wait(0.3 + self.hops % 5 / 4):
            raise StopUser
        self.leave(self.room)
