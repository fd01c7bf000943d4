"""The server: what it answers, refuses, counts and logs, and how it stops."""

import asyncio
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx
import pytest
import torch
from pydantic import ValidationError
from typer.testing import CliRunner

from conftest import WORDS, shake
from hyperx.cli.app import app as command
from hyperx.errors import HyperXError
from hyperx.modeling import HyperX
from hyperx.text.formats import to_dict

pytest.importorskip("spacy")
pytest.importorskip("prometheus_client")
testclient = pytest.importorskip("fastapi.testclient")

from hyperx.mixed_tagging import MixedTagger, Row  # noqa: E402
from hyperx.serve.app import create_app  # noqa: E402
from hyperx.serve.batcher import Batcher  # noqa: E402
from hyperx.serve.guard import read_keys  # noqa: E402
from hyperx.serve.limits import Limits  # noqa: E402
from hyperx.serve.logs import JsonFormatter  # noqa: E402
from hyperx.serve.metrics import Metrics  # noqa: E402
from hyperx.serve.schema import TagRequest  # noqa: E402
from hyperx.serve.server import listen, make_server  # noqa: E402
from hyperx.serve.service import Service  # noqa: E402
from hyperx.text.segment import Segmenter  # noqa: E402

KEY = "correct-horse-battery"
MIXED = [
    {"text": "The cat saw Paris. Amina ran home!", "language": "en", "tasks": ["pos", "ner"]},
    {"tokens": ["mbwa", "anakimbia", "nyumbani"], "language": "swa", "tasks": ["ner"]},
    {"text": " ", "language": "yor", "tasks": ["pos"]},
    {"tokens": [*WORDS * 3], "language": "yo", "tasks": ["pos", "pos"]},  # longer than the model reads at once
]


@pytest.fixture(scope="module")
def folder(make_model: Callable[..., HyperX], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model, saved."""

    model = shake(make_model())
    place = tmp_path_factory.mktemp("served")
    model.backbone.encoder.save_pretrained(place / "encoder")
    model.tokenizer.save_pretrained(place / "encoder")
    config = model.model_config
    config.backbone = str(place / "encoder")
    config.trained = ["pos/eng", "ner/swa", "mlm/yor"]
    config.scores = {"ner/eng": (58.1, 41.0, 75.6), "pos/eng": (91.0, 90.0, 92.0)}
    model.save_pretrained(place / "model")
    return place / "model"


def client_of(folder: Path, *, keys: tuple[str, ...] = (), log_text: bool = False, **options: object):  # type: ignore[no-untyped-def]
    service = Service(folder, **options)  # type: ignore[arg-type]
    return testclient.TestClient(create_app(service, keys=keys, log_text=log_text), raise_server_exceptions=False)


def wait_until_ready(client: httpx.Client) -> None:
    while client.get("/ready").status_code != 200:
        time.sleep(0.02)


@pytest.fixture
def client(folder: Path) -> Iterator[httpx.Client]:
    with client_of(folder) as client:
        wait_until_ready(client)
        yield client


def reason(answer: httpx.Response) -> tuple[int, str]:
    assert set(answer.json()) == {"reason", "detail"}
    return answer.status_code, answer.json()["reason"]


# Answers


def test_answers_are_those_of_the_tagger(client: httpx.Client, folder: Path) -> None:
    model = HyperX.from_pretrained(folder)
    answer = client.post("/tag", json={"inputs": MIXED})
    assert answer.status_code == 200
    outputs = [output["sentences"] for output in answer.json()["outputs"]]
    assert [len(sentences) for sentences in outputs] == [2, 1, 0, 1]
    for one, sentences in zip(MIXED, outputs, strict=True):
        tagger = model.tagger(one["tasks"], one["language"])
        given = tagger(one["text"]).sentences if "text" in one else [tagger(one["tokens"])]
        expected = [json.loads(json.dumps(to_dict(sentence))) for sentence in given]
        for sentence, own in zip(sentences, expected, strict=True):
            for key in own:
                close = pytest.approx(own[key], abs=1e-3) if key.endswith("_scores") else own[key]
                if not key.endswith("_spans"):
                    assert sentence[key] == close
                else:
                    assert [(s["start"], s["label"]) for s in sentence[key]] == [
                        (s["start"], s["label"]) for s in own[key]
                    ]


def test_it_tells_of_its_matrix(client: httpx.Client) -> None:
    assert client.get("/pairs").json() == {
        "trained": ["pos/eng", "ner/swa"],
        "zero_shot": ["pos/swa", "pos/yor", "ner/eng", "ner/yor"],
    }
    matrix = client.get("/matrix").json()
    assert [task["name"] for task in matrix["tasks"]] == ["pos", "ner"]
    assert [language["name"] for language in matrix["languages"]] == ["English", "Swahili", "Yoruba"]
    cells = {cell["pair"]: cell for cell in matrix["cells"]}
    assert cells["ner/eng"] | {"task": "", "language": ""} == {
        "pair": "ner/eng", "task": "", "language": "", "kind": "zero-shot",
        "score": 58.1, "low": 41.0, "high": 75.6, "measured": True, "told_by": 0,
    }  # fmt: skip
    assert (cells["ner/yor"]["kind"], cells["ner/yor"]["score"], cells["ner/yor"]["told_by"]) == ("text-only", 58.1, 1)
    assert (cells["ner/swa"]["kind"], cells["ner/swa"]["score"]) == ("trained", None)


def test_openapi_holds_examples_that_work(client: httpx.Client) -> None:
    schema = client.get("/openapi.json").json()
    assert set(schema["paths"]) == {"/tag", "/pairs", "/matrix", "/health", "/ready", "/metrics"}
    post = schema["paths"]["/tag"]["post"]
    assert {"200", "400", "404", "408", "413", "415", "422", "429", "503"} <= set(post["responses"])
    examples = post["requestBody"]["content"]["application/json"]["examples"]
    assert client.post("/tag", json=examples["text"]["value"]).status_code == 200


# Refusals


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "inputs: Field required"),
        ({"inputs": []}, "inputs: List should have at least 1 item"),
        ({"inputs": [{"text": "a", "language": "en"}]}, "inputs.0.tasks: Field required"),
        ({"inputs": [{"language": "en", "tasks": ["pos"]}]}, "inputs.0.text: Field required"),
        (
            {"inputs": [{"text": "a", "tokens": ["a"], "language": "en", "tasks": ["pos"]}]},
            "inputs.0.text: Extra inputs",
        ),
        ({"inputs": [{"text": "a", "language": "english", "tasks": ["pos"]}]}, "inputs.0.language"),
        ({"inputs": [{"text": "a", "language": "tr", "tasks": ["pos"]}]}, "inputs.0: this model was not trained with"),
        ({"inputs": [{"text": "a", "language": "qq", "tasks": ["pos"]}]}, "Unknown language 'qq'"),
        ({"inputs": [{"text": "a", "language": "en", "tasks": ["pos", "parse"]}]}, "this model has no task 'parse'"),
        ({"inputs": [{"text": "a", "language": "en", "tasks": ["mlm"]}]}, "tags nothing"),
        (
            {"inputs": [{"tokens": ["a", " "], "language": "en", "tasks": ["pos"]}]},
            "inputs.0.tokens.1: String should match",
        ),
        ({"inputs": [{"text": "a\ud800", "language": "en", "tasks": ["pos"]}]}, "surrogate"),
        ({"inputs": [{"text": "a", "language": "en", "tasks": ["\udfff"]}]}, "inputs.0.tasks.0"),
        ({"inputs": [{"text": "a", "\ud800": 1, "language": "en", "tasks": ["pos"]}]}, "inputs.0: "),
        ([1], "the body"),
    ],
)
def test_what_it_cannot_do_is_told(client: httpx.Client, body: object, told: str) -> None:
    answer = client.post("/tag", content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert answer.status_code == (404 if answer.json()["reason"] == "unknown_pair" else 422)
    assert told in answer.json()["detail"]


def test_broken_bodies_and_paths_are_refused(client: httpx.Client) -> None:
    post = partial(client.post, "/tag", headers={"Content-Type": "application/json"})
    assert reason(post(content=b"{")) == (422, "invalid_request")
    assert reason(post(content=b'{"inputs":' + b"[" * 100_000)) == (400, "invalid_request")
    assert reason(post(content=b"\xff\xfe")) == (422, "invalid_request")
    form = {"Content-Type": "application/x-www-form-urlencoded"}  # curl's, unless it is told
    assert reason(post(content=b'{"inputs": []}', headers=form)) == (415, "unsupported_media_type")
    assert reason(client.get("/nothing")) == (404, "not_found")
    assert reason(client.get("/tag")) == (405, "method_not_allowed")


def test_limits(folder: Path) -> None:
    with client_of(folder, limits=Limits(body_bytes=2000, inputs=2, characters=20)) as client:
        wait_until_ready(client)
        one = {"text": "The cat", "language": "en", "tasks": ["pos"]}
        assert client.post("/tag", json={"inputs": [one, one]}).status_code == 200
        assert reason(client.post("/tag", json={"inputs": [one] * 3})) == (422, "too_many_inputs")
        assert reason(client.post("/tag", json={"inputs": [one | {"text": "x" * 21}]})) == (413, "too_long")
        assert reason(client.post("/tag", content=b"x" * 2001)) == (413, "body_too_large")
        sent = 0

        def endless() -> Iterator[bytes]:
            nonlocal sent
            while True:
                sent += 1000
                yield b"x" * 1000

        read = asyncio.run(received(client.app, endless()))  # type: ignore[attr-defined]
        assert read == (413, "body_too_large")
        assert sent <= 17 * 2000


async def received(app: object, chunks: Iterator[bytes]) -> tuple[int, str]:
    """Return the answer to a body that has no end."""
    messages: list[dict] = []

    async def receive() -> dict:
        return {"type": "http.request", "body": next(chunks), "more_body": True}

    async def send(message: dict) -> None:
        messages.append(message)

    scope = {"type": "http", "method": "POST", "path": "/tag", "headers": [], "query_string": b""}
    await app(scope, receive, send)  # type: ignore[operator]
    return messages[0]["status"], json.loads(messages[1]["body"])["reason"]


class Held(MixedTagger):
    """Tags once it is let."""

    go = threading.Event()

    def run(self, rows):  # type: ignore[no-untyped-def]
        assert self.go.wait(20)
        return super().run(rows)


def test_a_full_queue_and_a_late_answer_are_refused(folder: Path) -> None:
    Held.go.clear()
    body = {"inputs": [{"text": "The cat", "language": "en", "tasks": ["pos"]}]}
    with client_of(folder, limits=Limits(requests=2, seconds=1), tagger=Held) as client, ThreadPoolExecutor(2) as pool:
        wait_until_ready(client)
        waiting = [pool.submit(client.post, "/tag", json=body) for _ in range(2)]
        while "hyperx_requests_in_work 2.0" not in client.get("/metrics").text:
            time.sleep(0.01)
        full = client.post("/tag", json=body)
        assert reason(full) == (429, "queue_full")
        assert full.headers["Retry-After"] == "1"
        assert [reason(answer.result()) for answer in waiting] == [(503, "timeout")] * 2
        Held.go.set()
        assert client.post("/tag", json=body).status_code == 200


def test_requests_take_turns_and_one_that_is_late_ends(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[str] = []

    def split(self: Segmenter, text: str):  # type: ignore[no-untyped-def]
        given.append(text)
        time.sleep(0.05)
        return []

    monkeypatch.setattr(Segmenter, "split", split)
    bodies = [{"inputs": [{"text": name, "language": "en", "tasks": ["pos"]}] * 40} for name in "ab"]
    with client_of(folder, limits=Limits(seconds=1)) as client, ThreadPoolExecutor(2) as pool:
        wait_until_ready(client)
        assert [reason(answer) for answer in pool.map(lambda body: client.post("/tag", json=body), bodies)] == [
            (503, "timeout")
        ] * 2
    assert {"a", "b"} == set(given)
    assert len(given) < 40


def test_a_model_that_fails_to_load_ends_the_server(folder: Path) -> None:
    def broken(model: HyperX) -> MixedTagger:
        raise MemoryError("no memory is left")

    service = Service(folder, tagger=broken)
    service.load()
    assert "couldn't be loaded: MemoryError: no memory is left" in str(service.error)


def test_of_many_mistakes_the_first_alone_is_looked_for() -> None:
    text = {"text": "a", "language": "en", "tasks": ["pos"]}
    for inputs in (
        [1] * 1000,
        [text | {"tasks": [1] * 1000}],
        [{"tokens": [1] * 1000, "language": "en", "tasks": ["pos"]}],
        [text | {f"key{number}": 1 for number in range(1000)}],
    ):
        with pytest.raises(ValidationError) as error:
            TagRequest.model_validate({"inputs": inputs})
        assert error.value.error_count() < 5


def test_it_says_that_it_loads_and_stops(folder: Path) -> None:
    loading = threading.Event()

    def slow(model: HyperX) -> MixedTagger:
        assert loading.wait(20)
        return MixedTagger(model)

    service = Service(folder, tagger=slow)
    with testclient.TestClient(create_app(service)) as client:
        assert client.get("/health").status_code == 200
        assert reason(client.get("/ready")) == (503, "loading")
        assert reason(client.post("/tag", json={"inputs": MIXED})) == (503, "not_ready")
        loading.set()
        wait_until_ready(client)
        service.stop()
        assert reason(client.get("/ready")) == (503, "stopping")
        assert client.post("/tag", json={"inputs": MIXED}).status_code == 200


def test_keys(folder: Path) -> None:
    with client_of(folder, keys=("another-key-altogether", KEY)) as client:
        wait_until_ready(client)
        for headers in ({}, {"X-API-Key": "wrong"}, {"Authorization": f"Bearer {KEY}x"}, {"Authorization": "Basic !"}):
            for path in ("/pairs", "/matrix", "/metrics", "/openapi.json", "/nothing", "/playground/"):
                answer = client.get(path, headers=headers)
                assert reason(answer) == (401, "wrong_key")
                assert answer.headers["WWW-Authenticate"].startswith("Basic" if "playground" in path else "Bearer")
        for headers in ({"X-API-Key": KEY}, {"Authorization": f"Bearer {KEY}"}):
            assert client.get("/pairs", headers=headers).status_code == 200
        assert client.get("/pairs", auth=("anyone", KEY)).status_code == 200
        assert client.get("/health").status_code == 200


def test_keys_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# of the annotators\n{KEY}\n\n  # a-key-that-was-taken-back\nanother-key-altogether \n")
    assert read_keys(file, None) == [KEY, "another-key-altogether"]
    assert read_keys(None, f"{KEY}, another-key-altogether") == [KEY, "another-key-altogether"]
    assert read_keys(None, None) == []
    with pytest.raises(HyperXError, match="can't be read"):
        read_keys(tmp_path / "none", None)
    file.write_text("# none\n")
    with pytest.raises(HyperXError, match="holds no keys"):
        read_keys(file, None)
    with pytest.raises(HyperXError, match="HYPERX_API_KEYS is set, and holds no key"):
        read_keys(None, " , ")
    file.write_text("short\n")
    with pytest.raises(HyperXError, match="fewer than 16"):
        read_keys(file, None)


# Batches, metrics, logs


def test_requests_that_arrive_together_share_batches_of_mixed_pairs(folder: Path) -> None:
    Held.go.clear()
    with client_of(folder, tagger=Held) as client, ThreadPoolExecutor(6) as pool:
        wait_until_ready(client)
        pairs = [(task, language) for task in ("pos", "ner") for language in ("eng", "swa", "yor")]
        bodies = [
            {"inputs": [{"tokens": WORDS[:5], "language": language, "tasks": [task]}]} for task, language in pairs
        ]
        answers = [pool.submit(client.post, "/tag", json=body) for body in bodies]
        while "hyperx_requests_in_work 6.0" not in client.get("/metrics").text:
            time.sleep(0.01)
        Held.go.set()
        assert all(answer.result().status_code == 200 for answer in answers)
        metrics = client.get("/metrics").text
    values = dict(line.rsplit(" ", 1) for line in metrics.splitlines() if not line.startswith("#"))
    assert float(values["hyperx_batch_rows_sum"]) == 6
    assert float(values["hyperx_batch_rows_count"]) < 6  # those that came while the first was held went together
    assert float(values["hyperx_batch_pairs_sum"]) == 6
    assert float(values['hyperx_words_total{task="pos"}']) == 15
    assert float(values['hyperx_requests_total{method="POST",route="/tag",status="200"}']) == 6
    assert float(values["hyperx_queued_rows"]) == 0


def test_a_failing_batch_fails_its_requests_alone(make_model: Callable[..., HyperX]) -> None:
    class Failing(MixedTagger):
        def run(self, rows):  # type: ignore[no-untyped-def]
            if any(row.length > 10 for row in rows):
                raise RuntimeError("out of memory")
            return super().run(rows)

    tagger = Failing(shake(make_model()), batch_size=1)
    batcher = Batcher(tagger, Metrics(), wait=0)
    rows: dict[int, list[Row]] = {
        length: [Row(row.pair, row.example) for row in tagger.encode(one[0], [one[1]])]
        for length, one in ((3, (pair("pos/eng"), words(3))), (12, (pair("ner/swa"), words(12))))
    }
    good, bad = batcher.submit(rows[3]), batcher.submit(rows[12])
    assert [own.shape for own in good.result(20)] == [torch.Size([3, 17])]
    with pytest.raises(RuntimeError, match="out of memory"):
        bad.result(20)
    later = [batcher.submit(rows[3]) for _ in range(20)]
    batcher.close()  # tags what is queued first
    assert all(len(future.result(0)) == 1 for future in later)
    with pytest.raises(RuntimeError, match="closed"):
        batcher.submit(rows[3])


def pair(text: str):  # type: ignore[no-untyped-def]
    from hyperx.pairs import Pair

    return Pair.parse(text)


def words(count: int):  # type: ignore[no-untyped-def]
    from hyperx.data.sentence import Sentence

    return Sentence(tuple(WORDS[:count]))


def logged(caplog: pytest.LogCaptureFixture) -> list[dict]:
    return [json.loads(JsonFormatter().format(record)) for record in caplog.records]


@pytest.mark.parametrize("log_text", [False, True])
def test_logs_hold_no_text_unless_asked_for(folder: Path, caplog: pytest.LogCaptureFixture, log_text: bool) -> None:
    logging.getLogger("hyperx.serve").propagate = True
    caplog.set_level(logging.INFO, "hyperx.serve")
    with client_of(folder, log_text=log_text) as client:
        wait_until_ready(client)
        answer = client.post(
            "/tag?q=SECRET", json={"inputs": [{"tokens": ["SECRET"], "language": "en", "tasks": ["pos"]}]}
        )
        client.post("/tag", json={"inputs": [{"tokens": ["SECRET"], "language": "en", "tasks": ["SECRET"]}]})
        client.get("/SECRET", headers={"X-API-Key": "SECRET", "User-Agent": "SECRET"})
    lines = logged(caplog)
    assert ("SECRET" in json.dumps(lines)) is log_text
    requests = {line["id"]: line for line in lines if line["message"] == "request"}
    own = requests[answer.headers["X-Request-ID"]]
    assert (own["method"], own["route"], own["status"]) == ("POST", "/tag", 200)


def test_an_error_of_our_own_is_logged_without_its_message(folder: Path) -> None:
    class Broken(MixedTagger):
        def run(self, rows):  # type: ignore[no-untyped-def]
            raise RuntimeError("SECRET")

    with client_of(folder, tagger=Broken) as client:
        wait_until_ready(client)
        assert reason(client.post("/tag", json={"inputs": MIXED})) == (500, "internal")
    try:
        raise RuntimeError("SECRET")
    except RuntimeError:
        record = logging.LogRecord("uvicorn.error", logging.ERROR, "", 1, "Exception", (), sys.exc_info())
    line = JsonFormatter().format(record)
    assert "SECRET" not in line
    assert json.loads(line)["error"][0]["type"] == "RuntimeError"


# On a socket


@pytest.fixture
def served(folder: Path) -> Iterator[tuple[str, int]]:
    """A server on loopback, with short times and few connections."""
    service = Service(folder, limits=Limits(io_seconds=0.4, connections=6, seconds=5))
    listener = listen("127.0.0.1", 0)
    server = make_server(create_app(service), service, drain=0)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    host, port = listener.getsockname()[:2]
    with httpx.Client(base_url=f"http://{host}:{port}") as client:
        wait_until_ready(client)
    yield host, port
    server.should_exit = True
    thread.join(20)
    assert not thread.is_alive()


def said(address: tuple[str, int], data: bytes, *, half_close: bool = False) -> bytes:
    """Return all that the server answers until it ends the connection."""
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(data)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while part := connection.recv(65536):
                answer += part
        except ConnectionResetError:
            pass
        return answer


def test_slow_and_silent_clients_are_let_go(served: tuple[str, int]) -> None:
    assert said(served, b"") == b""
    assert said(served, b"POST /tag HTTP/1.1\r\nHost: x\r\n") == b""
    head = b"POST /tag HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    answer = said(served, head + b'{"inputs"')
    assert answer.startswith(b"HTTP/1.1 408")
    assert b'"too_slow"' in answer
    assert said(served, b"\x00\x01nonsense\r\n\r\n").startswith(b"HTTP/1.1 400")
    assert httpx.get(f"http://{served[0]}:{served[1]}/health").status_code == 200


def test_a_half_closed_connection_is_answered_if_it_said_all(served: tuple[str, int]) -> None:
    body = json.dumps({"inputs": MIXED}).encode()
    head = b"POST /tag HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    assert said(served, head + body, half_close=True).startswith(b"HTTP/1.1 200")
    assert said(served, head + body[:-1], half_close=True) == b""
    assert httpx.get(f"http://{served[0]}:{served[1]}/health").status_code == 200


def test_connections_past_the_limit_are_refused(served: tuple[str, int]) -> None:
    held = [socket.create_connection(served, timeout=10) for _ in range(6)]
    answer = said(served, b"")
    assert answer.startswith(b"HTTP/1.1 503")
    assert b'"too_many_connections"' in answer
    for connection in held:
        connection.close()


def test_a_stop_under_load_loses_no_accepted_request(folder: Path) -> None:
    environment = os.environ | {"HYPERX_API_KEYS": KEY, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [sys.executable, "-m", "hyperx", "serve", str(folder), "--port", "0", "--batch-wait", "20"],
        stderr=subprocess.PIPE, env=environment, text=True,
    )  # fmt: skip
    try:
        assert process.stderr
        url = json.loads(process.stderr.readline())["url"]
        lines: list[str] = []
        reader = threading.Thread(target=lambda: lines.extend(process.stderr or ()))
        reader.start()
        with httpx.Client(base_url=url, headers={"X-API-Key": KEY}) as client:
            while True:
                try:
                    if client.get("/ready").status_code == 200:
                        break
                except httpx.TransportError:
                    pass
                time.sleep(0.05)
        answered, refused = [], []
        started = threading.Barrier(9)

        def ask(number: int) -> None:
            body = {"inputs": [{"tokens": WORDS[: 1 + number], "language": "swa", "tasks": ["pos", "ner"]}] * 4}
            with httpx.Client(base_url=url, headers={"X-API-Key": KEY}) as client:
                client.post("/tag", json=body).raise_for_status()
                started.wait(30)
                while True:
                    try:
                        answer = client.post("/tag", json=body)
                    except (httpx.ConnectError, httpx.RemoteProtocolError, httpx.ReadError) as error:
                        refused.append(error)  # the connection was ended before the request was read
                        return
                    answered.append(answer.status_code)
                    assert len(answer.json()["outputs"]) == 4

        with ThreadPoolExecutor(8) as pool:
            done = [pool.submit(ask, number) for number in range(8)]
            started.wait(30)
            while len(answered) < 20:
                time.sleep(0.01)
            process.send_signal(signal.SIGTERM)
            for one in done:
                one.result(30)
        process.wait(30)
        reader.join(10)
    finally:
        process.kill()
    assert set(answered) == {200}
    logged = [json.loads(line) for line in lines]
    served = [line for line in logged if line["message"] == "request" and line.get("route") == "/tag"]
    # As many answers were read by clients as the server says that it gave: none was lost on the way.
    assert len(served) == len(answered) + 8
    assert {line["status"] for line in served} == {200}
    assert len(refused) == 8


# The command


def test_mistakes_on_the_command_line_are_told(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def told(*arguments: object) -> str:
        result = CliRunner().invoke(command, ["serve", *map(str, arguments)])
        assert isinstance(result.exception, HyperXError)
        return str(result.exception)

    assert "there is no model folder" in told(tmp_path / "none")
    assert "can't be read" in told(folder, "--api-key-file", tmp_path / "none")
    with listen("127.0.0.1", 0) as taken:
        assert "can't listen on 127.0.0.1" in told(folder, "--port", taken.getsockname()[1])
    (folder / "model.safetensors").rename(folder / "moved")
    try:
        assert "model.safetensors can't be read" in told(folder, "--port", 0)
    finally:
        (folder / "moved").rename(folder / "model.safetensors")
    monkeypatch.setattr("hyperx.cli.serve.find_spec", lambda module: None if module == "gradio" else True)
    assert "pip install 'hyperx-nlp[playground]'" in told(folder, "--playground")
