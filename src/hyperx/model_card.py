"""The model card of a saved model."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from hyperx.config import CorpusEntry, HubEntry, RunConfig
from hyperx.data.catalog import find
from hyperx.languages import name as language_name
from hyperx.matrix import expectations, heading, marks, ordered_languages
from hyperx.pairs import Pair
from hyperx.results import Results
from hyperx.tasks import is_auxiliary

if TYPE_CHECKING:
    from hyperx.modeling import ModelConfig

HERE = "path/to/this/folder"


def model_card(
    model: "ModelConfig",
    *,
    name: str,
    source: str = HERE,
    results: Results | None = None,
    run: RunConfig | None = None,
    history: str = "",
) -> str:
    """Return a README.md with the front matter that the Hub reads, what the model was trained on, scores, limits and use.

    Args:
        name: the card's title.
        source: what `from_pretrained` loads.
        results, run: the run's, where they are at hand.
        history: how the model came to be, in sentences, where it was not trained by one run.
    """
    sections = [_about(model, name, results, run), *([history] if history else []), _data(model, run)]
    if results is not None and results.rows:
        sections.append(_scores(results))
    sections += [_intended(model), _limits(model, results, run), _use(model, source)]
    front = yaml.safe_dump(_front(model, run), sort_keys=False).strip()
    return f"---\n{front}\n---\n\n" + "\n\n".join(sections) + "\n"


def loading_from(card: str, source: str) -> str:
    """Return a card whose code loads the model from `source`, wherever it did so far."""
    return re.sub(r"""(hyperx\.load\(["'])[^"']*""", lambda call: call[1] + source, card)


def _front(model: "ModelConfig", run: RunConfig | None) -> dict[str, object]:
    data_sets = [entry.hub for entry in run.data if isinstance(entry, HubEntry)] if run else []
    return {
        "library_name": "hyperx-nlp",
        "tags": ["hyperx", "token-classification", "multilingual", "zero-shot"],
        "language": sorted(model.languages),
        "pipeline_tag": "token-classification",
        **({} if ":" in model.backbone or Path(model.backbone).exists() else {"base_model": model.backbone}),
        **({"datasets": sorted(set(data_sets))} if data_sets else {}),
    }


def _about(model: "ModelConfig", name: str, results: Results | None, run: RunConfig | None) -> str:
    trained = f", seed {run.seed}, {run.training.steps:,} steps" if run else ""
    kept = f", the checkpoint of step {results.step:,} kept" if results and results.step else ""
    what = "A tagger for every pair of a task and a language"
    if model.method.name == "hyperx":
        what += ": one hypernetwork writes the adapters of the frozen backbone for each"
    return f"""# {name}

{what}. Backbone `{model.backbone}`, method `{model.method.name}`{trained}{kept}."""


def _data(model: "ModelConfig", run: RunConfig | None) -> str:
    trained = [Pair.parse(text) for text in model.trained]
    lines = []
    for task in dict.fromkeys(pair.task for pair in trained):
        languages = _names([pair.language for pair in trained if pair.task == task])
        what = "Raw text, for masked language modelling" if is_auxiliary(task) else f"Labels of `{task}`"
        lines.append(f"- {what}: {languages}")
    text = "## Training data\n\n" + ("\n".join(lines) or "Nothing is noted.")
    if run is None:
        return text
    rows = dict.fromkeys(_source(entry, run) for entry in run.data)
    return text + "\n\n| Source | Licence |\n|---|---|\n" + "\n".join(f"| {what} | {terms} |" for what, terms in rows)


def _source(entry: object, run: RunConfig) -> tuple[str, str]:
    """Return what an entry of a run's data is, and its licence."""
    if isinstance(entry, CorpusEntry):
        corpus = find(entry.corpus)
        return f"`{corpus.name}`: {corpus.description}", corpus.licence
    if isinstance(entry, HubEntry):
        return f"[{entry.hub}](https://huggingface.co/datasets/{entry.hub})", "see its page on the Hub"
    return "files of the run's author", "not noted"


def _scores(results: Results) -> str:
    rows = []
    for code in ordered_languages(results):
        cells = [results.row(task, code) for task in results.tasks]
        texts = ["–" if row is None else f"{row.score:.1f} {marks(row, results)}".strip() for row in cells]
        rows.append(f"| {language_name(code)} ({code}) | {' | '.join(texts)} |")
    return f"""## Scores on the {results.split} sets

| Language | {" | ".join(heading(results, task) for task in results.tasks)} |
|---|{"---|" * len(results.tasks)}
{chr(10).join(rows)}

○ zero-shot: no labels of this pair were seen. · zero-shot, and only raw text of the language was seen.

{expectations(results) or ""}""".rstrip()


def _intended(model: "ModelConfig") -> str:
    tasks = ", ".join(f"`{task}`" for task in model.tasks if not is_auxiliary(task))
    return f"""## Intended use

Tagging sentences with {tasks}, in {_names(model.languages)}: for linguistic research, for corpora and search, and as a first pass
that annotators correct. A cell without labels is served, too; that is what the model is for."""


def _limits(model: "ModelConfig", results: Results | None, run: RunConfig | None) -> str:
    limits = ["Other languages than these are refused."]
    limits.append(
        "A zero-shot cell usually scores below a trained one. Check it on a hundred annotated sentences before relying on it."
    )
    if results is not None and results.rows:
        fewest = min(row.sentences for row in results.rows)
        limits.append(f"Scores hold for text like the test sets', the smallest of which has {fewest:,} sentences.")
        floor = [f"`{row.pair}`" for row in results.rows if row.at_floor]
        if floor:
            limits.append(f"No better than the most frequent tag: {', '.join(floor)}.")
    limits.append("What the training data does wrong or leaves out, of names and dialects above all, the tags do, too.")
    corpora = [find(entry.corpus) for entry in run.data if isinstance(entry, CorpusEntry)] if run else []
    restricted = dict.fromkeys(f"`{c.name}`" for c in corpora if "NC" in c.licence or "non-commercial" in c.licence)
    if restricted:
        limits.append(f"Training data licensed for non-commercial use, all or in part: {', '.join(restricted)}.")
    return "## Limits\n\n" + "\n".join(f"- {limit}" for limit in limits)


def _use(model: "ModelConfig", source: str) -> str:
    task = next((task for task in model.tasks if not is_auxiliary(task)), "pos")
    return f"""## Use

`pip install hyperx-nlp`, then:

```python
import hyperx

model = hyperx.load("{source}")
tagger = model.tagger("{task}", "{model.languages[0]}")
tagger(["A", "tokenized", "sentence", "."])
tagger("Raw text, with pip install 'hyperx-nlp[spacy]'.")
```"""


def _names(codes: Sequence[str]) -> str:
    return ", ".join(sorted(map(language_name, codes)))
