"""Chromium without a window, and what it asked for, for tests of slides and book."""

import json
import os
import shutil
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 300  # seconds, on a machine with other work
OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"  # no name resolves


def program(names):
    return next(filter(None, map(shutil.which, names)), None)


@contextmanager
def chromium():
    """A driver of Chromium that reaches nothing off the machine; skips without one."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium")
    browser, driver = program(BROWSERS), program(["chromedriver"])
    if not (browser and driver):
        pytest.skip("needs Chromium and its driver: see .ci/run")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in ("headless=new", "hide-scrollbars", "disable-gpu"):
        options.add_argument(f"--{argument}")
    options.add_argument(OFFLINE)
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.add_argument("--no-sandbox")  # Chromium's demand of root
        options.add_argument("--disable-dev-shm-usage")
    options.set_capability(
        "goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"}
    )
    chrome = webdriver.Chrome(
        options=options, service=webdriver.ChromeService(executable_path=driver)
    )
    try:
        yield Browser(chrome)
    finally:
        chrome.quit()


class Browser:
    def __init__(self, driver):
        self.driver = driver
        driver.set_script_timeout(PATIENCE)

    def open(self, url, width=1280, height=720):
        """Load a page in a window of this size; forget what was logged before."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1}
        size["mobile"] = width < 600
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.get("about:blank")
        for log in ("browser", "performance"):
            self.driver.get_log(log)
        self.driver.get(url)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def wait(self, condition):
        """Wait until a JavaScript expression is true."""
        self.until(lambda: self.run(f"return {condition}"))

    def until(self, condition):
        """Wait until condition() is true; the limit is there to end a broken page."""
        from selenium.webdriver.support.wait import WebDriverWait

        WebDriverWait(self.driver, PATIENCE, 0.05).until(lambda _: condition())

    def requests(self):
        """The addresses of all requests since the page was opened; empties the log."""
        entries = self.driver.get_log("performance")
        messages = [json.loads(entry["message"])["message"] for entry in entries]
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]

    def console(self):
        """Errors and warnings on the console since the last call."""
        entries = self.driver.get_log("browser")
        return [e["message"] for e in entries if e["level"] in ("SEVERE", "WARNING")]

    def screenshot(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        assert self.driver.save_screenshot(str(path))


def off_the_machine(urls):
    """Those addresses that are no file, no data in the page, and not this machine."""
    near = {"file", "data", "blob", "about"}
    return [
        url
        for url in urls
        if urlsplit(url).scheme not in near
        and urlsplit(url).hostname not in ("127.0.0.1", "localhost")
    ]
