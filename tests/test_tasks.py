"""Every task: files, learning, saving, scoring, the command line; and a task of another package, that of docs/tasks.md."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score
from typer.testing import CliRunner

from conftest import ENCODERS, WORDS
from hyperx import HyperX
from hyperx.backbone import Backbone
from hyperx.cli.app import app
from hyperx.config import load_run_config
from hyperx.data.annotation import annotation
from hyperx.data.check import check_file
from hyperx.data.read import read_sentences
from hyperx.data.sentence import Sentence
from hyperx.errors import HyperXError
from hyperx.methods import FinetuneConfig, PSFConfig
from hyperx.modeling import ModelConfig
from hyperx.pairs import Pair
from hyperx.results import Results
from hyperx.scoring import score_pair
from hyperx.tasks import TASKS, build_task, task_class
from hyperx.tasks.classification import Classification
from hyperx.tasks.feats import UFEATS, MorphologicalFeatures

KINDS = {"chunk": "spans", "genre": "classification"}
FEATS = {
    "the": "Definite=Def|PronType=Art",
    "a": "Definite=Ind|PronType=Art",
    "saw": "Tense=Past",
    "cat": "Number=Sing",
}


def gold(task: str, words: tuple[str, ...]) -> tuple[str, ...]:
    """Annotate by a rule: what a word's tag is depends on it and the word before."""
    before = ("", *words[:-1])
    match task:
        case "parse":
            arcs = [f"{number}:{'det' if word in ('the', 'a') else 'flat:name'}" for number, word in enumerate(words)]
            return ("0:root", *arcs[1:])
        case "feats":
            return tuple(FEATS.get(word, "_") for word in words)
        case "genre":
            return ("news" if "the" in words else "mail",)
        case _:
            inside = ["I" if word in ("the", "a") else "" for word in before]
            return tuple(
                "B-NP" if word in ("the", "a") and not mark else "I-NP" if mark else "O"
                for word, mark in zip(words, inside, strict=True)
            )


def sentences(task: str, count: int = 20) -> list[Sentence]:
    generator = np.random.default_rng(5)
    rows = [tuple(map(str, generator.choice(WORDS[:12], generator.integers(3, 8)))) for _ in range(count)]
    return [Sentence(words, gold(task, words), f"memory:{number}") for number, words in enumerate(rows)]


def model_of(task: str, tokenizer, backbone: str = "bert", method: object = FinetuneConfig()) -> HyperX:
    torch.manual_seed(0)
    built = build_task(task, kinds=KINDS)
    labels = built.find_labels(tag for sentence in sentences(task) for tag in sentence.tags or ())
    config = ModelConfig(
        backbone=backbone,
        method=method,
        tasks={task: labels},
        kinds={task: KINDS[task]} if task in KINDS else {},
        languages=["eng", "swa"],
        trained=[f"{task}/eng"],
        max_length=24,
    )
    return HyperX(config, Backbone(ENCODERS["bert"]()), tokenizer)


@pytest.mark.parametrize("task", ["parse", "feats", "chunk", "genre"])
def test_twenty_sentences_are_learned_by_heart_and_survive_saving(task: str, tokenizer, tmp_path: Path) -> None:
    model = model_of(task, tokenizer, str(tmp_path / "encoder"))
    rows = sentences(task)
    own = model.tasks[task]
    examples = list(own.encode(rows, tokenizer, max_length=24))
    batch = own.collate(examples, tokenizer, torch.Generator())
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    pair = Pair(task, "eng")
    model.train()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    for _ in range(100):
        optimizer.zero_grad()
        loss = model(pair, **batch._asdict())["loss"]
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1
    assert score_pair(model, pair, rows).score > 95
    model.backbone.encoder.save_pretrained(tmp_path / "encoder")
    tokenizer.save_pretrained(tmp_path / "encoder")
    model.save_pretrained(tmp_path / "model")
    loaded = HyperX.from_pretrained(tmp_path / "model")
    words = [list(sentence.words) for sentence in rows]
    assert loaded.tag(words, task=task, language="en") == model.tag(words, task=task, language="en")
    long = loaded.tag([WORDS * 5, []], task=task, language="en")
    assert [len(tags) for tags in long] == ([1, 1] if task == "genre" else [len(WORDS) * 5, 0])


def test_a_parser_keeps_its_head_where_a_method_generates_linear_ones(tokenizer) -> None:
    model = model_of("parse", tokenizer, method=PSFConfig(latent_size=4, rank=2, num_layers=2))
    head, _ = model.head(Pair("parse", "eng"))
    assert head is model.heads["parse"]
    (tags,) = model.tag(["the cat saw"], task="parse", language="eng")
    assert len(tags) == 3


def tag(model: Path, task: str, text: str, *options: str) -> str:
    """Tag a file of this text from the command line."""
    file = model / "input.txt"
    file.write_text(text)
    result = CliRunner().invoke(app, ["tag", str(model), str(file), "-t", task, "-l", "en", *options])
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.stdout


# Files


def test_bundles(tmp_path: Path) -> None:
    task = MorphologicalFeatures()
    found = ["Case=Nom|Number=Sing", "_", "Number=Plur", "Case=Acc,Dat|Number[psor]=Sing"]
    labels = task.find_labels(found)
    assert labels == [
        *("Case=", "Case=Acc,Dat", "Case=Nom", "Number=", "Number=Plur", "Number=Sing"),
        *("Number[psor]=", "Number[psor]=Sing"),
    ]
    task = MorphologicalFeatures(labels)
    scores = torch.full((2, 8), -1.0)
    scores[0, [1, 4, 6]] = 0
    scores[1, [0, 3, 6]] = 0
    assert task.decode(scores) == ["Case=Acc,Dat|Number=Plur", "_"]  # a bundle that was not among those found
    with pytest.raises(HyperXError, match="no training sentence of the task 'feats' has a feature"):
        task.find_labels(["_"])
    path = tmp_path / "a.txt"
    path.write_text("cat Number=Sing\nran Number\n")
    with pytest.raises(HyperXError, match="'Number' is not features"):
        list(read_sentences(path, task="feats"))


def test_features_are_learned_as_the_sum_of_their_cross_entropies(tokenizer) -> None:
    task = MorphologicalFeatures(["Case=", "Case=Nom", "Number=", "Number=Plur", "Number=Sing"])
    rows = [Sentence(("the", "cat"), ("_", "Case=Nom|Number=Sing")), Sentence(("ran",), ("Number=Plur",))]
    examples = list(task.encode(rows, tokenizer, max_length=24))
    assert [example.labels for example in examples] == [[[0, 0], [1, 2]], [[0, 1]]]
    labels = task.collate(examples, tokenizer, torch.Generator()).labels
    hidden = torch.randn(*labels.shape[:2], 5)
    words = torch.stack([hidden[row, at] for row, e in enumerate(examples) for at in e.positions])
    case, number = words.split([2, 3], dim=-1)
    expected = -case.log_softmax(-1)[range(3), [0, 1, 0]] - number.log_softmax(-1)[range(3), [0, 2, 1]]
    torch.testing.assert_close(task.loss(lambda hidden: hidden, hidden, labels), expected.mean())


@pytest.mark.parametrize("name", ["mlm", "genre", "pos"])
def test_text_without_spaces_goes_on_in_the_next_chunk_where_no_word_is_labelled(name: str, tokenizer) -> None:
    task = build_task(name, ["news"] if name == "genre" else None, KINDS)
    word = "thecat" * 20
    examples = list(task.encode([Sentence((word,))], tokenizer, max_length=24))
    found = [piece for example in examples for piece in example.input_ids[1:-1]]
    pieces = tokenizer(word, add_special_tokens=False)["input_ids"]
    assert len(pieces) > 22
    assert found == (pieces[:22] if name == "pos" else pieces)
    assert all(len(example.input_ids) <= 24 for example in examples)


def test_an_attributes_labels_need_not_stand_together(tokenizer) -> None:
    """As in a model that was grown by a value."""
    together = MorphologicalFeatures(["Case=", "Case=Nom", "Case=Gen", "Number=", "Number=Sing"])
    apart = MorphologicalFeatures(["Case=", "Case=Nom", "Number=", "Number=Sing", "Case=Gen"])
    columns = [together.labels.index(label) for label in apart.labels]
    rows = [Sentence(("the", "cat", "ran"), ("Case=Gen", "Case=Nom|Number=Sing", "_"))]
    losses, tags, scores = [], [], torch.randn(3, 5)
    for task, own in ((together, scores), (apart, scores[:, columns])):
        (example,) = task.encode(rows, tokenizer, max_length=24)
        labels = task.collate([example], tokenizer, torch.Generator()).labels
        hidden = torch.zeros(*labels.shape[:2], 5)
        hidden[0, example.positions] = own
        losses.append(task.loss(lambda hidden: hidden, hidden, labels))
        tags.append((task.decode(own), task.confidences(own, task.decode(own))))
    torch.testing.assert_close(*losses)
    assert tags[0][0] == tags[1][0]
    assert tags[0][1] == pytest.approx(tags[1][1])


def test_ufeats_compares_the_universal_features_alone() -> None:
    pairs = [
        ("Case=Nom|Number=Sing", "Case=Nom|Number=Sing", True),
        ("Case=Nom|Typo=Yes", "Case=Nom", True),
        ("Number[psor]=Sing|Person=1", "Person=1", True),
        ("Case=Nom|Number=Sing", "Case=Nom", False),
        ("_", "Case=Nom", False),
    ]
    right, words = UFEATS.count([pair[0] for pair in pairs], [pair[1] for pair in pairs])
    assert (right, words) == (3, 5)


LABELLED = {
    "a.tsv": "sentence\tlabel\nthe cat ran\tnews\nhome .\tmail\n",
    "b.tsv": "the cat ran\tnews\n\nhome .\tmail\n",
    "c.tsv": "genre\tid\ttext\nnews\t7\tthe cat ran\nmail\t8\thome .\n",
    "d.jsonl": '{"text": "the cat ran", "label": "news"}\n{"tokens": ["home", "."], "genre": "mail"}\n',
    "e.conllu": "# genre = news\n"
    + "".join(f"{n}\t{word}\t_\t_\t_\t_\t_\t_\t_\t_\n" for n, word in enumerate(("the", "cat", "ran"), 1))
    + "\n# label = mail\n1\thome\t_\t_\t_\t_\t_\t_\t_\t_\n2\t.\t_\t_\t_\t_\t_\t_\t_\t_\n",
}


@pytest.mark.parametrize("name", LABELLED)
def test_sentences_with_labels(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(LABELLED[name])
    rows = [(s.words, s.tags) for s in read_sentences(path, task=build_task("genre", kinds=KINDS))]
    assert rows == [(("the", "cat", "ran"), ("news",)), (("home", "."), ("mail",))]


@pytest.mark.parametrize(
    ("name", "text", "format", "message"),
    [
        ("a.tsv", "the cat\tran\tnews\n", "auto", ":1: 3 columns; expected a text and its label"),
        ("a.tsv", "the cat\tnews\nran\n", "auto", ":2: expected 2 columns"),
        ("a.tsv", "the cat\t\n", "auto", ":1: expected 2 columns with a text and its label"),
        ("a.jsonl", '{"text": "the cat", "label": " "}\n', "auto", ":1: no string that could be tags"),
        ("a.jsonl", '{"text": "the cat"}\n', "auto", ":1: no string that could be tags"),
        (
            "a.conllu",
            "1\tcat\t_\t_\t_\t_\t_\t_\t_\t_\n",
            "auto",
            ":1: the sentence has no genre; expected a line '# genre",
        ),
        ("a.txt", "the O\n", "columns", "the format 'columns' can't hold a label a sentence"),
    ],
)
def test_what_is_wrong_with_labels_is_said(tmp_path: Path, name: str, text: str, format: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(HyperXError, match=re.escape(message)):
        list(read_sentences(path, task=build_task("genre", kinds=KINDS), format=format))


def test_macro_f1_is_sklearns() -> None:
    generator = np.random.default_rng(0)
    task = Classification(["a", "b", "c", "d"])
    truth, guess = (generator.choice(["a", "b", "c"], 50).tolist() for _ in range(2))
    truth[7] = "unknown"
    counts = np.array([task.metric.count((t,), (g,)) for t, g in zip(truth, guess, strict=True)])
    expected = 100 * f1_score(truth, guess, average="macro", zero_division=0)
    assert float(task.metric.others["macro_f1"](counts.sum(0))) == pytest.approx(expected)
    assert float(task.metric.score(counts.sum(0))) == pytest.approx(100 * np.mean(np.array(truth) == guess))
    assert task.metric.others["macro_f1"](np.stack([counts.sum(0)] * 3)).shape == (3,)


def test_spans_of_ones_own_in_any_scheme(tmp_path: Path) -> None:
    task = build_task("chunk", kinds=KINDS)
    (tmp_path / "a.txt").write_text("the B-NP\nsmall I-NP\ncat E-NP\nran S-VP\n")
    (sentence,) = read_sentences(tmp_path / "a.txt", task=task)
    assert sentence.tags == ("B-NP", "I-NP", "I-NP", "B-VP")
    assert task.find_labels(sentence.tags) == ["O", "B-NP", "I-NP", "B-VP", "I-VP"]
    columns = [[str(n), word, *"_" * 8] for n, word in enumerate(sentence.words, 1)]
    columns[0][9] = "NER=B-PER"
    task.to_conllu(columns, {}, ("B-NP", "I-NP", "I-NP", "O"))
    assert [row[9] for row in columns] == ["NER=B-PER|CHUNK=B-NP", "CHUNK=I-NP", "CHUNK=I-NP", "_"]
    assert task.from_conllu(columns, {}) == ("B-NP", "I-NP", "I-NP", "O")


def test_real_treebanks_have_trees_and_features(data: Path) -> None:
    """Every word has one head, one word a sentence hangs on the root; counted with grep: 520 multiword tokens are no words."""
    path = data / "ud/UD_Tamil-TTB/ta_ttb-ud-train.conllu"
    rows = list(read_sentences(path, task="parse"))
    assert (len(rows), sum(len(row.words) for row in rows)) == (400, 6329)
    assert all(sum(tag.startswith("0:") for tag in row.tags or ()) == 1 for row in rows)
    bundles = [tag for row in read_sentences(path, task="feats") for tag in row.tags or ()]
    assert sum(tag != "_" for tag in bundles) == 5508
    assert check_file(path, task="feats").error is None


# Tasks of one's own, and others' tasks


@pytest.mark.parametrize(
    ("name", "kinds", "message"),
    [
        ("nothing", {}, "unknown task 'nothing'; known are pos, ner"),
        ("ner", {"ner": "classification"}, "can't be named 'ner'"),
        ("my.task", {"my.task": "spans"}, "can't be named 'my.task'"),
        ("keys", {"keys": "spans"}, "can't be named 'keys'"),
        ("slots", {"slots": "span"}, "can't be of the kind 'span'; choose one of pos, ner, parse"),
        ("slots", {"slots": "mlm"}, "can't be of the kind 'mlm'"),
    ],
)
def test_a_task_that_can_not_be(name: str, kinds: dict[str, str], message: str) -> None:
    with pytest.raises(HyperXError, match=message):
        task_class(name, kinds)


def test_a_model_saved_before_there_were_kinds_loads() -> None:
    values = {"backbone": "x", "method": {"name": "single"}, "tasks": {"pos": ["X"]}, "languages": ["eng"]}
    assert ModelConfig.model_validate(values).kinds == {}


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The example of docs/tasks.md, installed as its pyproject.toml says."""
    page = (Path(__file__).parents[1] / "docs" / "tasks.md").read_text()
    (code,) = (
        block for block in re.findall(r"```python\n(.*?)```", page, re.S) if "class LanguageSpecificTags" in block
    )
    (toml,) = re.findall(r"```toml\n(.*?)```", page, re.S)
    points = tomllib.loads(toml)["project"]["entry-points"]["hyperx.tasks"]
    ((name, target),) = points.items()
    site = tmp_path / "site"
    info = site / "example-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: example\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        f"[hyperx.tasks]\n{name} = {target}\nbroken = nowhere:Task\nwrong = json:loads\n"
    )
    (site / f"{target.partition(':')[0]}.py").write_text(code)
    monkeypatch.syspath_prepend(site)
    yield name
    TASKS._known.pop(name, None)  # type: ignore[attr-defined]


def test_the_example_of_the_docs_is_a_task_like_any_other(plugin: str, tokenizer, tmp_path: Path) -> None:
    assert plugin in list(TASKS)
    torch.manual_seed(0)
    ENCODERS["bert"]().save_pretrained(tmp_path / "backbone")
    tokenizer.save_pretrained(tmp_path / "backbone")
    rows = [(word, "DT" if word in ("the", "a") else "NN") for word in WORDS[:6]]
    lines = "".join(f"{n}\t{word}\t_\t_\t{tag}\t_\t_\t_\t_\t_\n" for n, (word, tag) in enumerate(rows, 1))
    (tmp_path / "a.conllu").write_text(f"{lines}\n" * 20)
    file = tmp_path / "run.yaml"
    entry = f"{{task: {plugin}, language: eng, train: a.conllu, dev: a.conllu, test: a.conllu}}"
    file.write_text(
        f"name: example\nbackbone: {tmp_path / 'backbone'}\nmethod: {{name: single, bottleneck: 8}}\n"
        f"data:\n  - {entry}\ntrain: {{{plugin}: [eng]}}\ntraining: {{steps: 60, batch_size: 10, eval_steps: 60}}\n"
    )
    folder = tmp_path / "run"
    result = CliRunner().invoke(app, ["train", str(file), "--output", str(folder)])
    assert result.exit_code == 0, result.output + repr(result.exception)
    row = Results.load(folder).row(plugin, "eng")
    assert row is not None
    assert (row.metric, row.score) == ("accuracy", 100)
    bare = "".join(f"{n}\t{word}" + "\t_" * 8 + "\n" for n, (word, _) in enumerate(rows, 1))
    assert tag(folder, plugin, bare) == f"{lines}\n"


def test_what_another_package_does_wrong_is_said(plugin: str) -> None:
    with pytest.raises(HyperXError, match=r"'broken' can't be loaded from nowhere:Task: No module named 'nowhere'"):
        annotation("broken")
    with pytest.raises(HyperXError, match=r"json:loads is no hyperx\.tasks\.Task whose name is 'wrong'"):
        annotation("wrong")


# A run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, tokenizer) -> Path:
    """A run of all four tasks, from a treebank and JSON Lines."""
    folder = tmp_path_factory.mktemp("tasks")
    torch.manual_seed(0)
    ENCODERS["bert"]().save_pretrained(folder / "backbone")
    tokenizer.save_pretrained(folder / "backbone")
    blocks, lines = [], []
    for sentence in sentences("parse"):
        words = [[str(n), word, *"_" * 8] for n, word in enumerate(sentence.words, 1)]
        for task in ("parse", "feats", "chunk"):
            build_task(task, kinds=KINDS).to_conllu(words, {}, gold(task, sentence.words))
        blocks.append("".join("\t".join(columns) + "\n" for columns in words))
        lines.append(json.dumps({"text": " ".join(sentence.words), "label": gold("genre", sentence.words)[0]}))
    (folder / "a.conllu").write_text("\n".join(blocks))
    (folder / "a.jsonl").write_text("\n".join(lines) + "\n")
    files = {task: "a.jsonl" if task == "genre" else "a.conllu" for task in ("parse", "feats", "chunk", "genre")}
    entries = [f"  - {{task: {t}, language: eng, train: {f}, dev: {f}, test: {f}}}" for t, f in files.items()]
    (folder / "run.yaml").write_text(
        f"name: tasks\nbackbone: {folder / 'backbone'}\nmethod: {{name: hyperx, bottleneck: 8, projection_size: 4}}\n"
        "tasks: {chunk: spans, genre: classification}\ndata:\n"
        + "\n".join(entries)
        + "\ntrain: {parse: all, feats: all, chunk: all, genre: all}\ntraining: {steps: 30, batch_size: 10, eval_steps: 30}\n"
    )
    result = CliRunner().invoke(app, ["train", str(folder / "run.yaml"), "--output", str(folder / "run")])
    assert result.exit_code == 0, result.output + repr(result.exception)
    return folder


def test_a_run_scores_every_task_by_its_metrics(run: Path) -> None:
    results = Results.load(run / "run")
    assert {row.task: (row.metric, *row.others) for row in results.rows} == {
        "parse": ("las", "uas"),
        "feats": ("ufeats",),
        "chunk": ("f1",),
        "genre": ("accuracy", "macro_f1"),
    }
    parse = results.row("parse", "eng")
    assert parse.score <= parse.others["uas"]
    shown = CliRunner().invoke(app, ["matrix", str(run / "run")], env={"COLUMNS": "160"}).stdout
    for text in (
        "PARSE LAS",
        "UAS",
        "FEATS UFeats",
        "CHUNK F1",
        "GENRE accuracy",
        "macro F1",
        f"{parse.others['uas']:.1f}",
    ):
        assert text in shown
    results.save(run / "same.json")
    result = CliRunner().invoke(app, ["compare", str(run / "run"), "--against", str(run / "same.json")])
    assert result.exit_code == 0, result.output + repr(result.exception)
    plan = CliRunner().invoke(app, ["train", str(run / "run.yaml"), "--plan", "--json"])
    model = HyperX.from_pretrained(run / "run")
    assert json.loads(plan.stdout)["parts"] == model.trained_parameters()


@pytest.mark.parametrize("task", ["parse", "feats", "chunk", "genre"])
def test_tags_stand_in_conllu_where_they_are_read(run: Path, task: str) -> None:
    words = ("the", "cat", "saw", "Paris")
    lines = ["# text = the cat saw Paris", *(f"{n}\t{word}" + "\t_" * 8 for n, word in enumerate(words, 1)), "", ""]
    lines.insert(2, "1-2\tthecat" + "\t_" * 8)
    output = tag(run / "run", task, "\n".join(lines))
    path = run / f"{task}-tagged.conllu"
    path.write_text(output)
    (read,) = read_sentences(path, task=build_task(task, kinds=KINDS))
    (expected,) = HyperX.from_pretrained(run / "run").tag([words], task=task, language="eng")
    assert (read.words, read.tags) == (words, tuple(expected))
    assert "# text = the cat saw Paris\n" in output
    assert "1-2\tthecat\t" in output


@pytest.mark.parametrize(
    ("format", "line"), [("iob2", r"# genre = (news|mail)\nthe\ncat"), ("color", r"(news|mail) +the cat *")]
)
def test_a_label_a_sentence_on_the_terminal(run: Path, format: str, line: str) -> None:
    assert re.fullmatch(line, tag(run / "run", "genre", "the cat\n", "-f", format).rstrip("\n"))
    value = json.loads(tag(run / "run", "genre", "the cat\n", "-f", "jsonl"))
    assert value["tokens"] == ["the", "cat"]
    assert value["genre"] in ("news", "mail")


def test_a_runs_own_tasks_are_checked_before_anything_is_read(run: Path) -> None:
    from hyperx.dataset import load_data

    config = load_run_config(run / "run.yaml", ["tasks={chunk: span, genre: classification}"])
    with pytest.raises(HyperXError, match="the task 'chunk' can't be of the kind 'span'"):
        load_data(config)
