"""The model card of a saved model."""

from typing import Any

import yaml

from hyperx.languages import name as language_name
from hyperx.matrix import expectations, heading, marks, ordered_languages
from hyperx.results import Results


def model_card(results: Results, config: dict[str, Any]) -> str:
    """Return a README.md with the front matter that the Hub reads, the matrix, and how to load the model."""
    front = {
        "library_name": "hyperx-nlp",
        "tags": ["hyperx", "token-classification", "multilingual", "zero-shot"],
        "language": results.languages,
        "pipeline_tag": "token-classification",
        **({} if ":" in results.backbone else {"base_model": results.backbone}),
    }
    tasks, language = results.tasks, results.languages[0]
    rows = []
    for code in ordered_languages(results):
        cells = [results.row(task, code) for task in tasks]
        texts = ["–" if row is None else f"{row.score:.1f} {marks(row, results)}".strip() for row in cells]
        rows.append(f"| {language_name(code)} ({code}) | {' | '.join(texts)} |")
    return f"""---
{yaml.safe_dump(front, sort_keys=False).strip()}
---

# {results.run}

A Hyper-X model: one hypernetwork writes the adapters of the frozen backbone `{results.backbone}` for any pair
of a task and a language. Method `{results.method}`, seed {results.seed}, {config["training"]["steps"]:,} steps.

## Scores on the {results.split} sets

| Language | {" | ".join(heading(results, task) for task in tasks)} |
|---|{"---|" * len(tasks)}
{chr(10).join(rows)}

○ zero-shot: no labels of this pair were seen. · zero-shot, and only raw text of the language was seen.

{expectations(results) or ""}

## Use

```python
import hyperx

model = hyperx.load("path/to/this/folder")
tagger = model.tagger("{tasks[0]}", "{language}")
tagger(["A", "tokenized", "sentence", "."])
tagger("Raw text, with pip install 'hyperx-nlp[spacy]'.")
```
"""
