"""A page to try a model in the browser, by Gradio; on the server, or alone as a Space of the Hugging Face Hub."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import gradio as gr
from fastapi import FastAPI
from fastapi.responses import RedirectResponse
from starlette.middleware import Middleware

from hyperx.serve.gate import Gate
from hyperx.serve.guard import PLAYGROUND
from hyperx.serve.limits import Refusal
from hyperx.serve.logs import log
from hyperx.serve.render import matrix_html, message_html, panels_html
from hyperx.serve.schema import Cell, TextInput
from hyperx.serve.service import Service
from hyperx.text.sentence import TaggedSentence

CHARACTERS = 2000
CELLS = 8  # chosen at once
FOLDER = Path(__file__).parent
EXAMPLES = {
    "ara": "ولد نجيب محفوظ في القاهرة ودرس الفلسفة في جامعتها.",
    "eng": "Wangari Maathai founded the Green Belt Movement in Nairobi in 1977.",
    "fas": "فروغ فرخزاد در تهران به دنیا آمد و شعرهای زیبایی نوشت.",
    "hin": "रवींद्रनाथ टैगोर का जन्म कोलकाता में हुआ था।",
    "ind": "Pramoedya Ananta Toer lahir di Blora dan menulis banyak novel.",
    "rus": "Анна Ахматова жила в Санкт-Петербурге и писала стихи.",
    "swa": "Amina alisafiri kutoka Mombasa hadi Nairobi kumtembelea dada yake.",
    "tam": "பாரதியார் எட்டயபுரத்தில் பிறந்து சென்னையில் வாழ்ந்தார்.",
    "tur": "Orhan Pamuk İstanbul'da doğdu ve romanlarını orada yazdı.",
    "yor": "Wọlé Ṣóyínká jẹ́ òǹkọ̀wé láti Abẹ́òkúta ní Nàìjíríà.",
    "zho": "鲁迅出生于浙江绍兴，后来在北京大学任教。",
}
# The browser finds the direction of what is typed; Gradio knows a fixed one alone.
AUTO_DIRECTION = "() => document.querySelectorAll('#text textarea').forEach((area) => { area.dir = 'auto'; })"
STYLE: dict[str, Any] = {
    # No fonts of the web's.
    "theme": gr.themes.Base(
        primary_hue="sky", font=["system-ui", "Noto Sans", "sans-serif"], font_mono=["ui-monospace", "monospace"]
    ),
    "css": (FOLDER / "playground.css").read_text(encoding="utf-8"),
    "footer_links": [],
}


def mount(app: FastAPI, service: Service) -> None:
    """Serve the page at `/playground` of a server's application."""

    @app.get("/", include_in_schema=False)
    async def home() -> RedirectResponse:
        return RedirectResponse(f"{PLAYGROUND[1:]}/")

    page = blocks(service)
    gr.mount_gradio_app(app, page, PLAYGROUND, run_history=False, app_kwargs=gated(page), **STYLE)


def launch(name: str) -> None:
    """Load a model and serve the page alone, as a Space does.

    Args:
        name: a run's or a model's folder, or a Hub id.

    Raises:
        HyperXError: there is no such model.
    """
    service = Service(name)
    service.load()
    if service.error:
        raise service.error
    page = blocks(service)
    page.launch(run_history=False, ssr_mode=False, app_kwargs=gated(page), **STYLE)


def gated(page: gr.Blocks) -> dict[str, Any]:
    """Return what makes Gradio's application answer nothing but what the page asks for."""
    functions = {number: len(function.inputs) for number, function in page.fns.items() if function.fn}
    return {"middleware": [Middleware(Gate, functions=functions)]}


def blocks(service: Service) -> gr.Blocks:
    """Return the page."""
    matrix = service.matrix
    languages = {language.code: language.name for language in matrix.languages}
    tasks = [task.name for task in matrix.tasks]
    examples = {code: EXAMPLES[code] for code in languages if code in EXAMPLES}
    begin = "swa" if "swa" in examples else next(iter(examples), next(iter(languages)))
    trained = sum(cell.kind == "trained" for cell in matrix.cells)

    async def show(text: str, chosen: list[str]) -> str:
        try:
            return await tagged_html(service, text, chosen)
        except Exception:  # Gradio would print it, and what was typed
            log.exception("the playground failed")
            return message_html("Something went wrong here; the server's log has more.")

    with gr.Blocks(title="Hyper-X playground", analytics_enabled=False) as page:
        gr.HTML(
            "<h1>Hyper-X playground</h1><p>One small network writes a tagger for every cell of this matrix: "
            f"{len(tasks)} tasks in {len(languages)} languages, {trained} cells trained, "
            f"{len(matrix.cells) - trained} zero-shot.</p>",
            elem_classes="hx",
        )
        with gr.Row():
            with gr.Column(scale=5, min_width=360):
                chosen = gr.HTML(
                    [f"{task}/{begin}" for task in tasks[:CELLS]],
                    html_template=matrix_html(matrix),
                    js_on_load=(FOLDER / "playground.js").read_text(encoding="utf-8"),
                    apply_default_css=False,
                    label="Cells",
                    elem_classes="hx",
                    elem_id="matrix",
                )
            with gr.Column(scale=8, min_width=360):
                text = gr.Textbox(
                    examples.get(begin, ""),
                    label="A sentence, or a few",
                    lines=2,
                    max_lines=8,
                    max_length=CHARACTERS,
                    elem_id="text",
                )
                with gr.Row(elem_id="examples"):
                    buttons = {code: gr.Button(languages[code], size="sm", min_width=60) for code in examples}
                tags = gr.HTML(elem_classes="hx", elem_id="tags", apply_default_css=False)
        given = {
            "fn": show,
            "inputs": [text, chosen],
            "outputs": tags,
            "show_progress": "hidden",
            "api_visibility": "private",
        }
        gr.on([text.change, chosen.select], trigger_mode="always_last", **given)
        page.load(**given)
        page.load(js=AUTO_DIRECTION)
        for code, button in buttons.items():
            own = [f"{task}/{code}" for task in tasks[:CELLS]]
            button.click(
                lambda own=own, sentence=examples[code]: (sentence, own),
                outputs=[text, chosen],
                api_visibility="private",
                show_progress="hidden",
            ).then(**given)
    page.queue(max_size=service.limits.requests, default_concurrency_limit=16)
    return page


async def tagged_html(service: Service, text: str, chosen: Sequence[str]) -> str:
    """Return a text, split as the first cell's language is, tagged in the chosen cells, or what is wrong with it."""
    cells = [cell for cell in map(service.matrix.cell, chosen) if cell]
    if not cells:
        return message_html("Choose a cell of the matrix, or several to compare.")
    if not text.strip():
        return message_html("Type a sentence.")
    if len(cells) > CELLS or len(text) > CHARACTERS:
        return message_html(f"Choose {CELLS} cells and {CHARACTERS:,} characters at most.")
    languages = list(dict.fromkeys(cell.language for cell in cells))
    try:
        inputs = [
            TextInput(text=text, language=language, tasks=[cell.task for cell in cells if cell.language == language])
            for language in languages
        ]
        tagged = dict(zip(languages, await service.tag(inputs, words_of=languages[0]), strict=True))
    except ValueError:
        return message_html("The text holds half of a surrogate pair, which is no character.")
    except Refusal as refusal:
        return message_html(refusal.detail)
    rows: list[tuple[Cell, list[TaggedSentence]]] = [(cell, tagged[cell.language]) for cell in cells]
    return panels_html(service.matrix, rows)
