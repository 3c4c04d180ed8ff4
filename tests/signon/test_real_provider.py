"""Against a real provider: in a real browser, from the command line, and for a workload that brings its token."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.gate.works import agent as manifest
from tests.server.desk import Desk

from .issuer import SECRET
from .lobby import form, pool_to, take_word
from .real import ROBOT, real_provider

BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
FEDERATED = """
  federated:
  - {{ provider: corporate, subject: {subject} }}
"""
AUTONOMY = str(Path(sys.executable).parent / "autonomy")
FOLLOW = """
import sys
from playwright.sync_api import sync_playwright
from tests.signon.test_real_provider import pass_provider, started
with sync_playwright() as playwright, started(playwright) as browser:
    page = browser.new_page()
    page.goto(sys.argv[1])
    pass_provider(page, "nora")
    page.wait_for_selector("text=Go back to your terminal")
"""


def started(playwright: object) -> Browser:
    """Debian's Chromium, which in a container of root has no sandbox of its own."""
    return playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])  # type: ignore[attr-defined, no-any-return]


@pytest.fixture(
    scope="module", params=[True, pytest.param(False, marks=pytest.mark.slow)], ids=["in-token", "by-userinfo"]
)
def provider(hall: Desk, request: pytest.FixtureRequest) -> Iterator[str]:
    with real_provider(hall.url, request.param) as issuer:
        robot = manifest("robot") + FEDERATED.format(subject=ROBOT)
        take_word(hall, issuer, extra={"robot.yaml": robot})
        yield issuer


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright, started(playwright) as browser:
        yield browser.new_page()


def pass_provider(page: Page, name: str) -> None:
    """Sign in at the provider's own pages, and agree to what it asks."""
    page.fill("input[name=login]", name)
    page.fill("input[name=password]", "whatever")
    page.click("button[type=submit]")
    page.click("button[type=submit]")


def test_a_person_signs_on_in_a_browser(hall: Desk, provider: str, page: Page) -> None:
    page.goto(f"{hall.url}/login")
    page.click("text=Sign in with Corporate")
    assert page.url.startswith(provider)
    pass_provider(page, "nora")
    page.wait_for_url(f"{hall.url}/")
    assert page.inner_text("h1") == "Today"
    cookies = {one["name"]: one for one in page.context.cookies()}
    session = cookies["autonomy_session"]
    assert session["httpOnly"] and session["sameSite"] == "Strict" and session["path"] == "/api"
    assert "autonomy_sign_on" not in cookies
    page.goto(f"{hall.url}/api/me")
    me = json.loads(page.inner_text("body"))
    assert (me["name"], me["access"], me["roles"]) == ("nora", ["auditor"], ["boss"])
    # What a foreign page could make the browser send changes nothing without the value only our page can read.
    refused = page.context.request.delete(f"{hall.url}/api/session")
    assert (refused.status, refused.json()["error"]["code"]) == (403, "csrf.missing")
    done = page.context.request.delete(f"{hall.url}/api/session", headers={"X-CSRF-Token": me["csrf"]})
    assert done.status == 204
    page.goto(f"{hall.url}/api/me")
    assert json.loads(page.inner_text("body"))["error"]["code"] == "session.missing"


def test_who_is_known_there_but_not_here_is_told_so(hall: Desk, provider: str, page: Page) -> None:
    page.goto(f"{hall.url}/sign-on/with/corporate")
    pass_provider(page, "mallory")
    page.wait_for_selector("text=You are not signed in")
    assert f"nobody here is declared with the subject `{provider}|mallory`" in page.inner_text("main")
    assert "autonomy_session" not in {one["name"] for one in page.context.cookies()}


def test_a_command_signs_on_by_a_browser(hall: Desk, provider: str, tmp_path: Path) -> None:
    follow = tmp_path / "follow.py"
    follow.write_text(FOLLOW)
    root = Path(__file__).parents[2]
    environment = {
        **os.environ,
        "AUTONOMY_CONFIG": str(tmp_path / "config"),
        "BROWSER": f"{sys.executable} {follow} %s",
        "PYTHONPATH": str(root),
    }
    command = [AUTONOMY, "login", "--sso", "--url", hall.url, "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, cwd=root)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["person"]["name"] == "nora"
    whoami = [AUTONOMY, "whoami", "--json"]
    shown = subprocess.run(whoami, env=environment, capture_output=True, text=True, timeout=30, cwd=root)
    assert json.loads(shown.stdout)["name"] == "nora"
    assert "aosp_" not in done.stdout + done.stderr


def test_a_workload_brings_the_token_of_its_provider(hall: Desk, provider: str) -> None:
    pair = base64.b64encode(f"{ROBOT}:{quote_plus(SECRET)}".encode()).decode()
    with pool_to(provider) as pool:
        asked = {"grant_type": "client_credentials", "resource": hall.url}
        token = form(pool, "/token", asked, Authorization=f"Basic {pair}").json["access_token"]
    answer = form(hall.pool, "/oauth/token", {"grant_type": BEARER, "assertion": token})
    assert answer.status == 200, answer.body
    assert hall.system.identity.authenticate(answer.json["access_token"]).name == "robot"
    again = form(hall.pool, "/oauth/token", {"grant_type": BEARER, "assertion": token})
    assert "used before" in again.json["error_description"]
