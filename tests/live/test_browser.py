"""A run from Locust's own form to its report, in a real browser."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import urllib3
from selenium import webdriver
from selenium.common.exceptions import TimeoutException, WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from loadtest.measurement.validity import VERDICTS
from loadtest.processes import free_port

from ..support import SECRET, summary_of, until, web_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from selenium.webdriver.remote.webelement import WebElement

    from ..support import Backend

pytestmark = [pytest.mark.slow, pytest.mark.needs("chromium"), pytest.mark.needs("chromedriver")]

WAIT_S = 40.0
OWED = 4
"""The column of the broadcast table."""
JUDGED = ", ".join(f"#broadcast .verdict.{one}" for one in VERDICTS)
"""A verdict, whichever it is: a machine that has much else to do makes a run a suspect one, rightly."""

TEXTS = "return [...document.querySelectorAll(arguments[0])].map(one => one.innerText)"
FIND = """return [...document.querySelectorAll(arguments[0])].find(one => !arguments[1]
    || one.checkVisibility() && one.innerText.toLowerCase().includes(arguments[1]))"""
"""At once: the page makes its tables anew each second, and a busy machine takes longer to ask for each cell."""


class Page:
    def __init__(self, driver: webdriver.Chrome, url: str) -> None:
        self.driver = driver
        driver.get(url)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def waits_for(self, selector: str, text: str = "") -> WebElement:
        def found(_: object) -> WebElement | None:
            one: WebElement | None = self.driver.execute_script(FIND, selector, text.lower())
            return one

        try:
            one: WebElement = WebDriverWait(self.driver, WAIT_S, ignored_exceptions=[WebDriverException]).until(
                found
            )
        except TimeoutException as error:
            there = self.driver.execute_script(TEXTS, selector)
            raise AssertionError(f"no {selector} has the text {text!r}: {there}") from error
        return one

    def opens(self, tab: str) -> None:
        next(one for one in self.all("[role=tab]") if one.text.lower() == tab.lower()).click()

    def fills(self, field: str, text: str) -> None:
        entry = self.waits_for(f"input[name={field}]")
        entry.send_keys(Keys.CONTROL + "a")
        entry.send_keys(text)

    def cells(self) -> list[list[str]]:
        found: list[list[str]] = self.driver.execute_script(
            "return [...document.querySelectorAll('.MuiTableBody-root tr')]"
            ".map(row => [...row.querySelectorAll('td')].map(cell => cell.textContent))"
        )
        return found

    def owed(self) -> int:
        rows = self.cells()
        return int(rows[0][OWED]) if rows and rows[0][0] == "agentLog" else 0

    def until(self, holds: Callable[[], bool]) -> None:
        WebDriverWait(self.driver, WAIT_S).until(lambda _: holds())

    def until_owed(self, more_than: int) -> int:
        self.until(lambda: self.owed() > more_than)
        return self.owed()

    def keeps(self, name: str, folder: Path) -> None:
        self.driver.save_screenshot(str(folder / f"{name}.png"))


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    for switch in ("headless", "no-sandbox", "disable-gpu", "window-size=1400,1300", "disable-dev-shm-usage"):
        options.add_argument(f"--{switch}")
    options.add_argument(f"--user-data-dir={tmp_path / 'profile'}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    made = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    yield made
    made.quit()


@contextmanager
def locust_page(backend: Backend, results: Path, *more: str) -> Iterator[str]:
    """Locust's page, with two workers."""
    port = str(free_port())
    workers = ("--processes", "2", "--master-bind-port", port, "--master-port", port)
    options = ("--results-dir", str(results), *workers, *more)
    with web_page(backend.url, results / "log", *options, environment=backend.by_sql) as (_, url):
        with urllib3.PoolManager() as pool:
            until(lambda: pool.request("GET", f"{url}/worker-count").json() == {"worker_count": 2})
        yield url


def test_from_the_form_to_the_report(driver: webdriver.Chrome, documented: Backend, tmp_path: Path) -> None:
    with locust_page(documented, tmp_path) as url:
        page = Page(driver, url)
        page.waits_for("[class*=AccordionSummary-root]", "Custom").click()
        page.waits_for("input[name=rooms]")
        assert SECRET not in driver.page_source
        page.fills("userCount", "64")
        page.fills("spawnRate", "60")
        page.fills("rooms", "0")
        page.waits_for("button[type=submit]").click()
        page.waits_for("[role=alert]", "rooms: '0' is no number from 1 to 100000")
        page.keeps("form", tmp_path)

        page.fills("rooms", "4")
        page.fills("roomSkew", "1.5")
        page.waits_for("button[type=submit]").click()
        page.waits_for("[role=tab]", "Broadcast")
        page.opens("Broadcast")
        first = page.until_owed(0)
        page.until_owed(first)
        page.waits_for(JUDGED)
        page.waits_for("#broadcast td", "delivery to 20 members and more")
        assert len(page.all("#broadcast .charts canvas")) == 3
        # The rooms are of two sizes: each event has a row for both.
        assert [row[:2] for row in page.cells()[:4]] == [
            ["agentLog", "2–19"],
            ["agentLog", "20–99"],
            ["taskStatusUpdate", "2–19"],
            ["taskStatusUpdate", "20–99"],
        ]
        page.keeps("running", tmp_path)
        page.opens("Broadcast Workers")
        page.waits_for("th", "Generator delay")
        assert [row[0] for row in page.cells()] == ["0", "1"]
        assert sum(int(row[4]) for row in page.cells()) == 60
        page.keeps("workers", tmp_path)

        page.waits_for("button", "stop").click()
        outcome = page.waits_for("#broadcast-outcome", "Run ")
        page.opens("Broadcast")
        summary = summary_of(tmp_path)
        assert summary["run_id"] in outcome.text
        page.waits_for(f"#broadcast .verdict.{summary['outcome']['word'].lower()}")
        page.waits_for("#broadcast .validity", summary["validity"]["verdict"])
        page.keeps("ended", tmp_path)
        page.until(lambda: page.owed() == summary["room_classes"][0]["expected"])

        page.opens("Download Data")
        assert page.waits_for("a", "record of the last run").get_attribute("href") == (
            f"{url}/broadcast/records/latest/record.zip"
        )
        page.waits_for("a.report").click()
        driver.switch_to.window(driver.window_handles[-1])
        page.waits_for("h1, h2", "")
        assert summary["run_id"] in driver.page_source
        page.keeps("report", tmp_path)
        driver.close()
        driver.switch_to.window(driver.window_handles[0])

        # Once more from the same page: nothing of the first run is left.
        page.waits_for("button", "new").click()
        page.waits_for("[class*=AccordionSummary-root]", "Custom").click()
        page.fills("userCount", "24")
        page.fills("rooms", "1")
        page.waits_for("button[type=submit]").click()
        page.waits_for("[role=tab]", "Broadcast")
        page.opens("Broadcast")
        page.until(lambda: [row[1:4] for row in page.cells()] == [["20–99", "1", "20"]] * 2)
        page.until_owed(0)
        page.waits_for("button", "stop").click()
        page.waits_for("#broadcast-outcome a.report")
        page.until(lambda: summary_of(tmp_path)["run_id"] != summary["run_id"])
        second = summary_of(tmp_path)
        assert (second["rooms"], second["users"]) == (1, 24)
        assert second["deliveries"]["lost"] == second["deliveries"]["leaked"] == 0
        severe = [entry["message"] for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]
        errors = [message for message in severe if "favicon" not in message]  # the report has none
        assert errors == []
    assert SECRET not in (tmp_path / "log").read_text()


def test_why_a_run_could_not_begin_is_shown(driver: webdriver.Chrome, documented: Backend, tmp_path: Path) -> None:
    with locust_page(documented, tmp_path) as url:
        page = Page(driver, url)
        page.fills("host", "http://127.0.0.1:9")
        page.waits_for("button[type=submit]").click()
        page.waits_for("#broadcast-outcome.bad", "127.0.0.1:9")
        page.keeps("failed", tmp_path)
