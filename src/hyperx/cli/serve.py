"""``hyperx serve``."""

import logging
import os
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from hyperx.cli.options import Model
from hyperx.errors import HyperXError

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def serve(
    run: Model,
    host: Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 for all networks.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any that is free.")] = 8000,
    playground: Annotated[
        bool, typer.Option("--playground", help="Serve a page to try the model at /playground.")
    ] = False,
    api_key_file: Annotated[
        Path | None,
        typer.Option(
            help="Keys, one a line, one of which requests must bear; else those in HYPERX_API_KEYS, by commas."
        ),
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Sentences that the backbone reads at once.")] = 32,
    batch_tokens: Annotated[int, typer.Option(min=1, help="Pieces of a batch at most, padding counted.")] = 8192,
    batch_wait: Annotated[
        float, typer.Option(min=0, max=1000, help="Milliseconds that a sentence waits for others to share its batch.")
    ] = 3,
    cached_pairs: Annotated[int, typer.Option(min=1, help="Pairs whose adapters are kept in memory.")] = 64,
    max_body: Annotated[int, typer.Option(min=1024, help="Bytes of a request's body.")] = 1 << 20,
    max_inputs: Annotated[int, typer.Option(min=1, help="Texts and sentences of a request.")] = 64,
    max_characters: Annotated[int, typer.Option(min=1, help="Characters of a text or sentence.")] = 10_000,
    max_requests: Annotated[int, typer.Option(min=1, help="Requests that wait or are worked on at once.")] = 256,
    max_connections: Annotated[int, typer.Option(min=1, help="Connections open at once.")] = 512,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds until a request is answered.")] = 30,
    io_timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds for a client to send a request, and to take its answer.")
    ] = 10,
    drain: Annotated[
        float, typer.Option(min=0, help="Seconds on SIGTERM in which /ready says 503 and all else is served.")
    ] = 0,
    log_text: Annotated[bool, typer.Option("--log-text", help="Write what users send to the log.")] = False,
) -> None:
    """Serve a model's whole matrix over HTTP."""
    _need("serve", "fastapi", "uvicorn", "prometheus_client")
    if playground:
        _need("playground", "gradio")
    from hyperx.mixed_tagging import MixedTagger
    from hyperx.serve.app import create_app
    from hyperx.serve.guard import read_keys
    from hyperx.serve.limits import Limits
    from hyperx.serve.logs import event, log_json
    from hyperx.serve.server import listen, make_server
    from hyperx.serve.service import Service

    keys = read_keys(api_key_file, os.environ.get("HYPERX_API_KEYS"))
    limits = Limits(max_body, max_inputs, max_characters, max_requests, timeout, io_timeout, max_connections)
    tagger = partial(MixedTagger, batch_size=batch_size, max_tokens=batch_tokens, cached_pairs=cached_pairs)
    service = Service(run, limits=limits, wait=batch_wait / 1000, tagger=tagger)
    app = create_app(service, keys=keys, log_text=log_text)
    if playground:
        from hyperx.serve.playground import mount

        mount(app, service)
    log_json()
    with listen(host, port) as listener:
        address, number = listener.getsockname()[:2]
        where = f"[{address}]" if ":" in address else address
        event("listening", url=f"http://{where}:{number}", model=run, keys=len(keys))
        if host not in LOOPBACK and not keys:
            event(
                "anyone who reaches this address can ask: set --api-key-file, or keep it behind a proxy",
                level=logging.WARNING,
            )
        make_server(app, service, drain=drain).run([listener])
    if service.error:
        raise service.error


def _need(extra: str, *modules: str) -> None:
    missing = [module for module in modules if not find_spec(module)]
    if missing:
        raise HyperXError(f"serving needs {', '.join(missing)}: pip install 'hyperx-nlp[{extra}]'")
