"""The server against its own OpenAPI document: what that allows is answered as it says, what it forbids is refused."""

import threading
import time
from collections.abc import Callable

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import shake
from hyperx.modeling import HyperX

pytest.importorskip("spacy")
pytest.importorskip("prometheus_client")
schemathesis = pytest.importorskip("schemathesis")

from hyperx.serve.app import create_app  # noqa: E402
from hyperx.serve.server import listen, make_server  # noqa: E402
from hyperx.serve.service import Service  # noqa: E402


@pytest.fixture(scope="module")
def document(make_model: Callable[..., HyperX], tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    """The document of a server of a small model on loopback."""
    model = shake(make_model())
    place = tmp_path_factory.mktemp("described")
    model.backbone.encoder.save_pretrained(place / "encoder")
    model.tokenizer.save_pretrained(place / "encoder")
    model.model_config.backbone = str(place / "encoder")
    model.save_pretrained(place / "model")
    service = Service(place / "model")
    listener = listen("127.0.0.1", 0)
    server = make_server(create_app(service), service, drain=0)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    url = "http://{}:{}".format(*listener.getsockname()[:2])
    while httpx.get(f"{url}/ready").status_code != 200:
        time.sleep(0.02)
    yield schemathesis.openapi.from_url(f"{url}/openapi.json")
    server.should_exit = True
    thread.join(20)


FIXTURE = [HealthCheck.function_scoped_fixture]
SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much]
MODES = [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "operation", ["POST /tag", "GET /pairs", "GET /matrix", "GET /health", "GET /ready", "GET /metrics"]
)
def test_it_does_as_it_says(document, operation: str, mode: schemathesis.GenerationMode) -> None:  # type: ignore[no-untyped-def]
    method, path = operation.split()
    described = document[path][method]
    if mode is MODES[1] and method == "GET":
        pytest.skip("a request without parameters can't be malformed")

    @given(case=described.as_strategy(generation_mode=mode))
    @settings(max_examples=60 if method == "POST" else 3, deadline=None, derandomize=True, suppress_health_check=SLOW)
    def check(case: schemathesis.Case) -> None:
        case.call_and_validate()

    check()


INPUT = {
    "language": st.sampled_from(["en", "swa", "YOR"]),
    "tasks": st.lists(st.sampled_from(["pos", "ner"]), min_size=1, max_size=3),
}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
WORD = TEXT.filter(lambda word: word.strip() and not set(word) & set("\t\r\n"))
ASKED = st.fixed_dictionaries(INPUT | {"text": TEXT}) | st.fixed_dictionaries(INPUT | {"tokens": st.lists(WORD)})


@given(inputs=st.lists(ASKED, min_size=1, max_size=4))
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[*SLOW, *FIXTURE])
def test_any_text_in_the_matrix_is_answered_as_described(document, inputs: list[dict]) -> None:  # type: ignore[no-untyped-def]
    answer = document["/tag"]["POST"].Case(body={"inputs": inputs}, media_type="application/json").call_and_validate()
    assert answer.status_code == 200
    assert len(answer.json()["outputs"]) == len(inputs)
