"""What is open to the world: the site, its links, and the hooks that authors run."""

import http.server
import re
import sys
import threading

import pytest
import yaml

from tests.notebooks.test_notebooks import ROOT

sys.path.append(str(ROOT / "tools" / "author"))

import links  # noqa: E402
import site_pages as site  # noqa: E402

CALLED = re.compile(r"python3? +((?:tools/\w+/)?\w+\.py)")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_call_what_is_there(path):
    text = path.read_text(encoding="utf-8")
    assert yaml.safe_load(text)["jobs"]
    called = CALLED.findall(text)
    assert called and [name for name in called if not (ROOT / name).exists()] == []


def test_hooks_call_what_is_there():
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    (repository,) = yaml.safe_load(text)["repos"]
    assert repository["repo"] == "local", "what they run is what is pinned here"
    for hook in repository["hooks"]:
        _, *words = hook["entry"].split()
        assert (
            words[:2] in (["-m", "ruff"], ["-m", "ruff"]) or (ROOT / words[0]).exists()
        )
    named = {
        name for hook in repository["hooks"] for name in CALLED.findall(hook["entry"])
    }
    assert {f"tools/author/{tool}.py" for tool in ("canonical", "translate")} <= named


def test_changed_pages_are_named_in_both_languages(tmp_path, monkeypatch):
    monkeypatch.setattr(site, "SITE", tmp_path)
    pages = ["chapters/03_dropout.html", "docs/ci.html", "index.html"]
    for page in [*pages, *(f"zh/{page}" for page in pages)]:
        (tmp_path / page).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / page).touch()
    assert site.changed(["chapters/03_dropout.ipynb", "utils/models.py"]) == [
        "chapters/03_dropout.html",
        "zh/chapters/03_dropout.html",
    ]
    assert site.changed(["locale/zh_CN/docs/ci.po"]) == ["zh/docs/ci.html"]
    assert site.changed(["docs/index.md"]) == ["index.html", "zh/index.html"]
    assert site.changed(["chapters/zh/03_dropout.ipynb", "docs/gone.md"]) == []


@pytest.fixture
def server(monkeypatch):
    """The address of a server that answers /404 with 404, and so on."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(int(self.path[1:4]))
            self.end_headers()

        def log_message(self, *_):
            pass

    monkeypatch.setattr(links, "PAUSE", 0)
    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{served.server_port}"
    served.shutdown()
    served.server_close()


def test_what_is_gone_is_told_from_what_refuses_a_program(server):
    assert links.fault(f"{server}/200") is None
    assert links.fault(f"{server}/404") == "404 Not Found"
    assert links.fault(f"{server}/403") is None is links.fault(f"{server}/503")
    assert "Error" in links.fault("http://127.0.0.1:9/nobody-listens")


def test_dead_addresses_are_named_with_their_files(
    server, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(links, "ROOT", tmp_path)
    (tmp_path / "README.md").write_text(f"[a]({server}/200), [b]({server}/404).")
    assert links.main() == 1
    printed = capsys.readouterr()
    assert f"{server}/404\n  404 Not Found\n  in README.md" in printed.err
    assert "2 addresses, 1 dead" in printed.out


def test_addresses_end_where_they_end():
    text = "见 https://a.org/x_y，[b](https://b.org/c). <https://c.org>, "
    text += "doi = {10.1/abc}, note = {arXiv:1502.03167v3}"
    assert links.addresses(text) == {
        "https://a.org/x_y",
        "https://b.org/c",
        "https://c.org",
        "https://doi.org/10.1/abc",
        "https://arxiv.org/abs/1502.03167",
    }


def test_the_course_has_addresses_to_ask_for():
    assert len(links.linked()) >= 3
