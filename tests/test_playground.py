"""The playground, in a real browser: Debian's Chromium, driven by Playwright."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import httpx
import pytest

from conftest import shake
from hyperx.data.annotation import Annotation
from hyperx.tasks import build_task
from hyperx.text.sentence import Layer, Span, TaggedSentence, TextSentence, from_words

pytest.importorskip("spacy")
pytest.importorskip("gradio")

from hyperx.serve.render import direction, matrix_html, message_html, panels_html
from hyperx.serve.schema import Cell, LanguageInfo, Matrix, TaskInfo

CHROMIUM = which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SPACE = Path(__file__).parents[1] / "deploy" / "space"
PERSIAN = "سارا در تهران است."
WAIT = 60_000


def cell(pair: str, kind: str = "trained", score: float | None = 90.0, told_by: int = 0) -> Cell:
    task, language = pair.split("/")
    return Cell(
        pair=pair, task=task, language=language, kind=kind, score=score, low=80, high=99,
        measured=score is not None and not told_by, told_by=told_by,
    )  # fmt: skip


MATRIX = Matrix(
    tasks=[TaskInfo(name="pos", metric="accuracy", labels=[]), TaskInfo(name="ner", metric="f1", labels=[])],
    languages=[
        LanguageInfo(code="eng", name="English", seen=True),
        LanguageInfo(code="yor", name="Yoruba", seen=False),
    ],
    cells=[cell("pos/eng"), cell("pos/yor", "zero-shot", 61.2, 3), cell("ner/eng"), cell("ner/yor", "text-only", None)],
)


def tagged(words: list[str], task: str, tags: list[str], spans: tuple[Span, ...] | None = None) -> TaggedSentence:
    layer = Layer(tuple(tags), (0.9,) * len(tags), spans, build_task(task))
    return TaggedSentence(from_words(words, "eng"), {task: layer})


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Sara است", "ltr"), (PERSIAN, "rtl"), ("… 12 שלום world", "rtl"), ("12 !", "ltr"), ("", "ltr"), ("𞤀𞤣", "rtl")],
)
def test_direction_is_that_of_the_first_letter(text: str, expected: str) -> None:
    assert direction(text) == expected


def test_the_matrix_marks_kinds_and_tells_scores() -> None:
    page = matrix_html(MATRIX)
    assert page.count("<button") == 4
    assert 'class="cell zero-shot" data-pair="pos/yor"' in page
    assert ">~61</button>" in page
    assert ">?</button>" in page
    assert '${value.includes("ner/yor")}' in page
    assert 'Yoruba <small>yor</small> <small title="unseen by the backbone">unseen' in page


def test_what_users_typed_is_escaped() -> None:
    evil = '<img src=x onerror="alert(1)">'
    page = panels_html(MATRIX, [(cell("pos/eng"), [tagged([evil.replace(" ", "_"), "&"], "pos", ["NOUN", "SYM"])])])
    assert "<img" not in page
    assert "&lt;img_src=x" in page
    assert "<bdi>&amp;</bdi>" in page
    assert "<b>" not in message_html("<b>")


def test_words_stand_as_they_stood_and_differences_are_marked() -> None:
    sentence = TextSentence("x  Amina ran\thome ", ((3, 8), (9, 12), (13, 17)), "eng", raw=True)
    rows = []
    for pair, tags in (("pos/eng", ("PROPN", "VERB", "ADV")), ("pos/yor", ("PROPN", "VERB", "NOUN"))):
        task: Annotation = build_task("pos")
        rows.append((cell(pair), [TaggedSentence(sentence, {"pos": Layer(tags, (0.9, 0.8, 0.456), None, task)})]))
    first, second = panels_html(MATRIX, rows).split("<section")[1:]
    assert "differs" not in first
    assert second.count("differs") == 1
    assert "1 tag unlike the first panel’s" in second
    assert "<b>NOUN</b> 46" in second
    assert "\t<span" in first  # the text between words is kept


def test_entities_and_labels_are_one_chip() -> None:
    spans = (Span("Amina Yusuf", "PER", 0, 11, 0, 2, 0.7),)
    entity = tagged(["Amina", "Yusuf", "ran"], "ner", ["B-PER", "I-PER", "O"], spans)
    page = panels_html(
        MATRIX,
        [(cell("ner/eng"), [entity]), (cell("ner/yor"), [tagged(["Amina", "Yusuf", "ran"], "ner", ["O"] * 3, ())])],
    )
    assert "<bdi>Amina Yusuf</bdi>" in page
    assert page.count('class="chip') == 1
    assert "1 tag unlike" in page  # the second cell finds no entity


# What the page asks the server for


def event(number: int, data: object, session: str = "abc") -> dict:
    return {"fn_index": number, "data": data, "session_hash": session}


def test_what_the_page_does_not_ask_for_is_closed(url: str) -> None:
    with httpx.Client(base_url=f"{url}/playground") as client:
        assert client.get("/").status_code == 200
        assert client.post("/gradio_api/upload", files={"files": b"x"}).status_code == 404
        for path in ("/gradio_api/heartbeat/x", "/gradio_api/file=/etc/passwd", "/config", "/gradio_api/monitoring"):
            assert client.get(path).json()["reason"] == "not_found"
        for path in ("/gradio_api/run/show", "/gradio_api/call/show", "/gradio_api/reset", "/"):
            assert client.post(path, json=event(0, ["a", []])).status_code == 404


def test_no_event_makes_gradio_print_what_was_typed(url: str, log: Path) -> None:
    cells = ["pos/swa"]
    with httpx.Client(base_url=f"{url}/playground/gradio_api/queue") as client:
        for wrong in (
            event(0, ["SECRET"]),
            event(0, [None, cells]),
            event(0, ["SECRET", None]),
            event(0, ["SECRET", [1]]),
            event(999, ["SECRET", cells]),
            event(0, ["SECRET", cells], session="SECRET/"),
            event(0, ["SECRET" * 20_000, cells]),
            {"data": ["SECRET", cells]},
            ["SECRET"],
        ):
            answer = client.post("/join", json=wrong)
            assert (answer.status_code, answer.json()["reason"]) == (422, "invalid_request")
        known = {"batched": True, "event_data": "SECRET", "oauth_token": "SECRET"}
        assert client.post("/join", json=event(0, ["SECRET", cells]) | known).status_code == 200
        with client.stream("GET", "/data", params={"session_hash": "abc"}) as answer:
            told = "".join(answer.iter_text())  # the stream ends
    assert "process_completed" in told
    assert "SECRET" in told
    lines = log.read_text().splitlines()
    assert all(isinstance(json.loads(line), dict) for line in lines)
    assert "SECRET" not in "".join(lines)


# In the browser


@pytest.fixture(scope="module")
def folder(make_model, tmp_path_factory: pytest.TempPathFactory) -> Path:  # type: ignore[no-untyped-def]
    model = shake(make_model())
    place = tmp_path_factory.mktemp("playground")
    model.backbone.encoder.save_pretrained(place / "encoder")
    model.tokenizer.save_pretrained(place / "encoder")
    config = model.model_config
    config.backbone = str(place / "encoder")
    config.trained, config.scores = ["pos/eng", "ner/swa"], {"ner/eng": (58.1, 41.0, 75.6)}
    model.save_pretrained(place / "model")
    return place / "model"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log") / "stderr"


@pytest.fixture(scope="module")
def url(folder: Path, log: Path) -> Iterator[str]:
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "hyperx", "serve", str(folder), "--port", "0", "--playground"],
            stderr=stderr, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
    try:
        while not (found := [line for line in log.read_text().splitlines() if '"url"' in line]):
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        url = json.loads(found[0])["url"]
        while httpx.get(f"{url}/ready").status_code != 200:
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.fixture
def page(url: str, tmp_path: Path):  # type: ignore[no-untyped-def]
    playwright = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch_persistent_context(
            tmp_path / "profile", executable_path=CHROMIUM, headless=True, args=FLAGS
        )
        page = browser.pages[0]
        page.set_default_timeout(WAIT)
        yield page
        browser.close()


def test_choose_type_and_compare(page, url: str) -> None:  # type: ignore[no-untyped-def]
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(url)
    assert page.url == f"{url}/playground/"
    # The first language's example is tagged at once, in all of its cells.
    page.wait_for_selector("#tags [data-pair='ner/swa']")
    assert page.locator("#tags .panel").count() == 2
    assert page.get_attribute("#matrix [data-pair='ner/swa']", "aria-pressed") == "true"

    # A click chooses a cell, and another one takes it back.
    page.click("#matrix [data-pair='pos/eng']")
    page.wait_for_selector("#tags [data-pair='pos/eng']")
    assert page.get_attribute("#matrix [data-pair='pos/eng']", "aria-pressed") == "true"
    for pair in ("pos/swa", "ner/swa"):
        page.click(f"#matrix [data-pair='{pair}']")
        page.wait_for_selector(f"#tags [data-pair='{pair}']", state="detached")
    assert page.locator("#tags .panel").count() == 1

    # By the keyboard, too.
    page.focus("#matrix [data-pair='ner/eng']")
    page.keyboard.press("Enter")
    page.wait_for_selector("#tags [data-pair='ner/eng']")
    assert "58.1" in page.inner_text("#tags [data-pair='ner/eng'] .told")

    # Right to left: what is typed, and where its words stand.
    page.fill("#text textarea", PERSIAN)
    words = page.locator("#tags [data-pair='pos/eng'] .chip bdi")
    page.wait_for_function("document.querySelector('#tags [data-pair=\"pos/eng\"] bdi')?.textContent === 'سارا'")
    assert words.all_inner_texts() == ["سارا", "در", "تهران", "است", "."]
    boxes = [word.bounding_box()["x"] for word in words.all()[:3]]
    assert boxes == sorted(boxes, reverse=True)
    assert page.get_attribute("#text textarea", "dir") == "auto"
    assert page.eval_on_selector("#text textarea", "area => getComputedStyle(area).direction") == "rtl"

    # What is no text is told, and nothing typed becomes part of the page.
    page.fill("#text textarea", "<b id=evil>x</b>")
    page.wait_for_function("document.querySelector('#tags').textContent.includes('evil')")
    assert page.locator("#evil").count() == 0
    page.fill("#text textarea", " ")
    page.wait_for_selector("#tags .message")

    assert errors == []
    assert {address.split("/")[2] for address in asked if address.startswith("http")} == {url.split("/")[2]}


def test_words_can_be_read(page, url: str) -> None:  # type: ignore[no-untyped-def]
    """Contrast of chips' text is at least 4.5 (WCAG 2.2, AA), in light and dark."""
    ratio = """([element, ground]) => {
      const light = (colour) => {
        const canvas = document.createElement("canvas").getContext("2d");
        canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
        const parts = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((part) => part / 255)
          .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
      };
      const [a, b] = [light(getComputedStyle(element).color), light(getComputedStyle(ground).backgroundColor)];
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    }"""
    for theme in ("light", "dark"):
        page.goto(f"{url}/playground/?__theme={theme}")
        page.wait_for_selector("#tags .chip")
        # Every hue that a tag may have.
        worst = page.evaluate(
            "() => { const chip = document.querySelector('#tags .chip'); const ratio = " + ratio + ";"
            "return Math.min(...[...Array(360).keys()].flatMap((hue) => {"
            "chip.style.setProperty('--hue', hue);"
            "return [ratio([chip, chip]), ratio([chip.querySelector('small'), chip])]; })); }"
        )
        assert worst >= 4.5


def test_a_space_serves_the_page(folder: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "app.py"], cwd=SPACE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUNBUFFERED": "1", "HYPERX_MODEL": str(folder)},
    )  # fmt: skip
    try:
        assert process.stdout
        address = next(line for line in process.stdout if "http://" in line).split()[-1]
        answer = httpx.get(address)
        assert answer.status_code == 200
        assert "ner/swa" in answer.text
    finally:
        process.terminate()
        process.communicate(timeout=30)
