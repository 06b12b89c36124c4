from __future__ import annotations

import pytest
from locust import User
from locust.env import Environment
from locust.exception import StopUser

from loadtest.users.audience import Audience
from loadtest.users.viewer import Viewer


@pytest.mark.parametrize("user_class", [Audience, Viewer])
def test_a_user_that_finds_no_run_goes_without_a_word(user_class: type[User]) -> None:
    user = user_class(Environment(user_classes=[user_class]))
    with pytest.raises(StopUser):
        user.on_start()
    user.on_stop()
