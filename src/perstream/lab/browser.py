"""A headless Chromium over the page: for its tests, its figures and the pictures of the README."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

T = TypeVar("T")
PATIENCE_S = 20.0


def start(profile: Path, *, extra: tuple[str, ...] = ()) -> webdriver.Chrome:
    """A Chromium of its own, without a window; it speaks to this machine only."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-extensions",
        "--window-size=1280,860",
        f"--user-data-dir={profile}",
        *extra,
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(shutil.which("chromedriver"))))
    driver.set_page_load_timeout(60)
    return driver


class Page:
    """What a person does with the page."""

    def __init__(self, driver: webdriver.Chrome, url: str, token: str, shots: Path) -> None:
        self.driver = driver
        self.url = url
        self.token = token
        self._shots = shots
        self._shots.mkdir(parents=True, exist_ok=True)

    def open(self, view: str = "now", *, width: int = 1280, height: int = 860, dark: bool = False) -> None:
        """Sign in with the address's fragment and go to a view."""
        self.size(width, height)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
        self.driver.get("about:blank")
        self.driver.get(f"{self.url}/#token={self.token}")
        self.until(lambda: self.text("#link") == "live", "the page is live")
        self.go(view)

    def go(self, view: str) -> None:
        """Another view of the page that is open."""
        self.driver.execute_script(f"location.hash = '#/{view}'")
        self.until(lambda: self.driver.title.lower().startswith(view), f"the view {view}")

    def size(self, width: int, height: int) -> None:
        """As wide as a phone, as a screen … (a window cannot be made as narrow)."""
        how = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", how)

    def all(self, css: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def one(self, css: str) -> WebElement:
        """The first that is shown, once there is one."""
        return self.until(lambda: next((e for e in self.all(css) if e.is_displayed()), None), css)

    def text(self, css: str) -> str:
        """What is written there at this moment; empty without such a place."""
        found = self.driver.execute_script("return document.querySelector(arguments[0])?.innerText ?? ''", css)
        return str(found)

    def ask(self, question: str) -> None:
        """Type a question and send it."""
        box = self.one("#question")
        box.clear()
        box.send_keys(question + "\n")

    def until(self, there: Callable[[], T | None], what: str) -> T:
        """The first value that is true; fails after a patient while."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            value = there()
            if value:
                return value
            time.sleep(0.05)
        self.shot("failed")
        says, console = self.text("body")[:500], self.complaints()
        raise AssertionError(f"not within {PATIENCE_S:.0f} s: {what}; the page says: {says}; its console: {console}")

    def shot(self, name: str) -> None:
        """A screenshot, for people."""
        self.driver.save_screenshot(str(self._shots / f"{name}.png"))

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def permit(self, setting: str) -> None:
        """Answer ``granted`` or ``denied`` when the page asks for the camera or the microphone."""
        for name in ("camera", "microphone"):
            what = {"permission": {"name": name}, "setting": setting, "origin": self.url}
            self.driver.execute_cdp_cmd("Browser.setPermission", what)

    def too_wide(self) -> list[str]:
        """What makes the page scroll sideways."""
        return list(
            self.run(
                """const { clientWidth, scrollWidth } = document.documentElement;
                if (scrollWidth <= clientWidth) return [];
                const wide = [...document.querySelectorAll('*')].filter((e) => e.getBoundingClientRect().right > clientWidth);
                return wide.map((e) => `${e.tagName}.${e.className} ${e.textContent.slice(0, 40)}`);"""
            )
        )

    def complaints(self) -> list[str]:
        """What the browser's console said since the last look, but for answers that are errors on purpose."""
        lines = [str(line["message"]) for line in self.driver.get_log("browser") if line["level"] == "SEVERE"]  # type: ignore[no-untyped-call]
        expected = ("Failed to load resource", "Error in connection establishment")
        return [line for line in lines if not any(words in line for words in expected)]
