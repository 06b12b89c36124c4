from __future__ import annotations

from argparse import Namespace

import pytest
from locust import HttpUser, User, task

from loadtest.errors import Fault
from loadtest.run.master import receivers


def classes(**given: tuple[int, int]) -> list[type[User]]:
    """Fresh ones, by (weight, fixed count)."""
    from loadtest.users.actor import Actor
    from loadtest.users.audience import Audience
    from loadtest.users.publisher import Publisher
    from loadtest.users.viewer import Viewer

    class Rest(HttpUser):
        @task
        def get(self) -> None: ...

    class Unknown(User):
        @task
        def act(self) -> None: ...

    bases = {"Publisher": Publisher, "Viewer": Viewer, "Audience": Audience, "Actor": Actor}
    bases |= {"Rest": Rest, "Unknown": Unknown}
    return [
        type(name, (bases[name],), {"weight": weight, "fixed_count": fixed, "abstract": False})
        for name, (weight, fixed) in given.items()
    ]


def check(users: int, **given: tuple[int, int]) -> None:
    receivers.check(classes(**given), Namespace(publishers=4), users)


PUBLISHERS = (1, 4)


@pytest.mark.parametrize("kind", ["Viewer", "Audience", "Actor", "Unknown"])
def test_one_more_than_the_publishers_is_enough(kind: str) -> None:
    check(5, Publisher=PUBLISHERS, **{kind: (1, 0)})
    for users in (0, 1, 4):
        said = f"at least 5 users, got --users {users}, of which {users} publish: nobody is left to receive"
        with pytest.raises(Fault, match=said):
            check(users, Publisher=PUBLISHERS, **{kind: (1, 0)})


def test_without_publishers_one_is_enough() -> None:
    check(1, Viewer=(1, 0))
    with pytest.raises(Fault, match="at least 1 users, got --users 0"):
        check(0, Viewer=(1, 0))


def test_a_class_that_receives_is_needed() -> None:
    with pytest.raises(Fault, match="expected a user class that receives broadcasts, got only Publisher"):
        check(100, Publisher=PUBLISHERS)
    with pytest.raises(Fault, match="got only Publisher, Rest"):
        check(100, Publisher=PUBLISHERS, Rest=(1, 0))


def test_users_that_only_call_rest_may_take_part_as_long_as_somebody_receives() -> None:
    check(50, Publisher=PUBLISHERS, Rest=(9, 0), Viewer=(1, 0))
    check(8, Publisher=PUBLISHERS, Rest=(1, 3), Viewer=(1, 0))
    with pytest.raises(Fault, match="at least 8 users, got --users 7, of which 4 publish, 3 are Rest"):
        check(7, Publisher=PUBLISHERS, Rest=(1, 3), Viewer=(1, 0))
    with pytest.raises(Fault, match="of which 4 publish, 2 are Rest"):
        check(6, Publisher=PUBLISHERS, Rest=(99, 0), Viewer=(1, 0))


def test_viewers_of_a_fixed_number() -> None:
    check(9, Publisher=PUBLISHERS, Viewer=(1, 5))
    with pytest.raises(Fault, match="nobody is left to receive"):
        check(0, Publisher=PUBLISHERS, Viewer=(1, 5))


@pytest.mark.parametrize(
    ("given", "least", "users"),
    [
        ({"Publisher": PUBLISHERS, "Viewer": (1, 0)}, 0, 24),
        ({"Publisher": (1, 30), "Viewer": (1, 0)}, 0, 50),
        ({"Publisher": PUBLISHERS, "Viewer": (1, 0)}, 95, 95),
        ({"Viewer": (1, 0)}, 0, 20),
        ({"Publisher": PUBLISHERS, "Audience": (1, 0)}, 0, 5),
        ({"Publisher": PUBLISHERS, "Audience": (1, 0), "Viewer": (3, 0)}, 8, 8),
    ],
)
def test_a_small_run(given: dict[str, tuple[int, int]], least: int, users: int) -> None:
    assert receivers.small_run(classes(**given), least) == users
    check(users, **given)
