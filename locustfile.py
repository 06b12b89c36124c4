"""The load test's entry for Locust: `locust --host https://…`."""

from run import hooks
from users.publisher import Publisher
from users.viewer import Viewer

__all__ = ["Publisher", "Viewer"]

hooks.install()
