"""The HTTP interface."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import Body, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException

from hyperx.serve.guard import Guard
from hyperx.serve.limits import Refusal
from hyperx.serve.logs import event
from hyperx.serve.schema import TAG_EXAMPLES, Matrix, Pairs, Problem, TagRequest, TagResponse
from hyperx.serve.service import Service
from hyperx.text.formats import to_dict
from hyperx.text.sentence import TaggedSentence

KIND = 3  # in ("body", "inputs", 0, "text", "language")
Responses = dict[int | str, dict[str, Any]]
REFUSALS: Responses = {
    status: {"model": Problem, "description": description}
    for status, description in {
        400: "The body was cut off, is no Unicode or nested too deeply.",
        401: "A key is missing or wrong.",
        404: "A task or language is not in the matrix.",
        408: "The body came too slowly.",
        413: "The body or a text is too long.",
        415: "The body is not sent as JSON.",
        422: "The body is not as described, has too many inputs, or a text can't be split into words.",
        429: "Too many requests are waiting.",
        503: "The model is not loaded yet, or an answer took too long.",
    }.items()
}


def create_app(service: Service, *, keys: Sequence[str] = (), log_text: bool = False) -> FastAPI:
    """Return the application, which loads the service's model when it starts and closes it when it ends.

    Args:
        keys: one of which every request must bear but those for `/health` and `/ready`; no keys, and all may ask.
        log_text: write what is sent to `/tag` to the log.
    """

    async def load() -> None:
        await asyncio.to_thread(service.load)
        if service.state == "ready":
            event("ready")

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        loading = asyncio.create_task(load())
        yield
        await loading
        await asyncio.to_thread(service.close)

    app = FastAPI(
        title="Hyper-X",
        version=version("hyperx-nlp"),
        description="Tags text in any cell of a model's task-language matrix.",
        lifespan=lifespan,
        # Their pages load scripts from elsewhere; any viewer takes /openapi.json.
        docs_url=None,
        redoc_url=None,
    )
    app.add_middleware(Guard, service=service, keys=keys)
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _failed)
    refusals = REFUSALS if keys else {status: told for status, told in REFUSALS.items() if status != 401}
    wrong_key: Responses = {401: REFUSALS[401]} if keys else {}
    unready: Responses = {503: REFUSALS[503]}

    @app.post("/tag", responses={200: {"model": TagResponse}, **refusals}, summary="Tag texts and sentences")
    async def tag(body: Annotated[TagRequest, Body(openapi_examples=TAG_EXAMPLES)]) -> Response:
        """Tag inputs of any tasks and languages of the matrix; requests that arrive together share batches."""
        if log_text:
            event("tag", inputs=[one.model_dump(exclude_none=True) for one in body.inputs])
        tagged = await service.tag(body.inputs)
        return Response(await asyncio.to_thread(_to_json, tagged), media_type="application/json")

    @app.get("/pairs", responses=wrong_key, summary="What can be asked for")
    async def pairs() -> Pairs:
        cells = service.matrix.cells
        return Pairs(
            trained=[cell.pair for cell in cells if cell.kind == "trained"],
            zero_shot=[cell.pair for cell in cells if cell.kind != "trained"],
        )

    @app.get("/matrix", responses=wrong_key, summary="The matrix with its scores")
    async def matrix() -> Matrix:
        """What each cell scored on its test set or, where it has none, can be expected to."""
        return service.matrix

    @app.get("/health", summary="Whether the server runs")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/ready", responses=unready, summary="Whether requests should be sent")
    async def ready() -> dict[str, str]:
        if service.state != "ready":
            raise Refusal(503, service.state, f"The server is {service.state}.")
        return {"status": "ready"}

    @app.get("/metrics", responses=wrong_key, response_class=PlainTextResponse, summary="For Prometheus")
    async def metrics() -> Response:
        return Response(service.metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return app


def _to_json(tagged: Sequence[Sequence[TaggedSentence]]) -> str:
    outputs = [{"sentences": [to_dict(sentence) for sentence in own]} for own in tagged]
    return json.dumps({"outputs": outputs}, ensure_ascii=False)


def _refused(_request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)
    return JSONResponse(refusal.body, refusal.status, refusal.headers)


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if isinstance(error.body, bytes) and "json" not in request.headers.get("content-type", ""):
        detail = "The body has to be sent as 'Content-Type: application/json'."
        return _refused(request, Refusal(415, "unsupported_media_type", detail))
    first = error.errors()[0]
    # Behind an input's number stands which kind it was taken for, which is not in the body.
    path = [str(part) for number, part in enumerate(first["loc"]) if part != "body" and number != KIND]
    where = ".".join(path) or "the body"
    detail = f"{where[:200]}: {first['msg'].removeprefix('Value error, ')}"
    detail = detail.encode(errors="replace").decode()  # a field's name may be no Unicode
    return _refused(request, Refusal(422, "invalid_request", detail))


def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    reason = {400: "invalid_request", 404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "error")
    return JSONResponse({"reason": reason, "detail": error.detail}, error.status_code, error.headers)


def _failed(_request: Request, _error: Exception) -> Response:
    return JSONResponse({"reason": "internal", "detail": "Something went wrong here; the server's log has more."}, 500)
