"""Growing a trained model: what is new is learnt, and all else stays as it was to the bit."""

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from typer.testing import CliRunner

from conftest import WORDS, shake
from hyperx import HyperX
from hyperx.adapt import adapt
from hyperx.cli.app import app
from hyperx.config import TrainingConfig
from hyperx.data.sentence import Sentence
from hyperx.errors import HyperXError
from hyperx.methods import SingleConfig
from hyperx.pairs import Pair
from hyperx.results import Results
from hyperx.scoring import score_pair
from hyperx.start import parts
from hyperx.tasks import TASKS
from hyperx.tasks.tagging import TaggingTask

TAGS = ["DET", "NOUN", "VERB", "DET", "ADJ", "NOUN", "ADP", "PROPN", "CCONJ", "PROPN", "PROPN", "VERB", "NOUN", "PUNCT"]
FEW = [Sentence(tuple(WORDS[i : i + 4]), tuple(TAGS[i : i + 4])) for i in range(10)]
RAW = [Sentence(sentence.words) for sentence in FEW]
QUICK = TrainingConfig(steps=12, batch_size=4, max_length=24)


class Case(TaggingTask):
    """Whether a word begins with a capital."""

    name: ClassVar[str] = "case"
    metric = TASKS["pos"].metric
    default_labels: ClassVar[list[str]] = ["low", "up"]


CASED = [Sentence(s.words, tuple("up" if word[0].isupper() else "low" for word in s.words)) for s in FEW]


def cells(model: HyperX) -> dict[Pair, tuple[list[torch.Tensor], list[list[str]]]]:
    """Return each cell's adapter weights and tags."""
    found = {}
    with torch.inference_mode():
        for task in ("pos", "ner"):
            for language in ("eng", "swa", "yor"):
                layers = model.adapters([Pair(task, language)]).layers
                flat = [tensor.clone() for layer in layers for tensor in layer.adapters[0] if tensor is not None]
                found[Pair(task, language)] = (flat, model.tag([WORDS[:9], WORDS[9:]], task=task, language=language))
    return found


def same(before: tuple[list[torch.Tensor], object], after: tuple[list[torch.Tensor], object]) -> bool:
    return all(map(torch.equal, before[0], after[0])) and before[1] == after[1]


@pytest.mark.parametrize(
    ("data", "moved"),
    [
        ({Pair("pos", "hau"): FEW}, {("language", "hau")}),
        ({Pair("mlm", "hau"): RAW}, {("language", "hau")}),
        ({Pair("case", "eng"): CASED}, {("task", "case")}),
        ({Pair("case", "hau"): CASED, Pair("pos", "hau"): FEW}, {("language", "hau"), ("task", "case")}),
    ],
    ids=["language from labels", "language from raw text", "task", "task and language"],
)
def test_every_cell_stays_as_it_was_to_the_bit(
    data: dict[Pair, list[Sentence]], moved: set[tuple[str, str]], make_model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TASKS._known, "case", Case)  # type: ignore[attr-defined]
    old = shake(make_model())
    before = cells(old)
    grown = adapt(old, data, training=QUICK)
    assert grown.moved == []
    after = cells(grown.model)
    assert all(same(before[cell], after[cell]) for cell in before)
    known = parts(old)
    start = {kind: getattr(old.method.hypernetwork, f"{kind}_embeddings").weight.mean(0) for kind, _ in moved}
    new = {key: tensor for key, tensor in parts(grown.model).items() if key not in known}
    for kind, name in moved:
        assert not torch.allclose(new[f"method.hypernetwork.{kind}_embeddings.weight", name], start[kind])
    changed = {
        key for key, tensor in parts(grown.model).items() if key in known and not torch.equal(tensor, known[key])
    }
    # The pieces of new raw text join those that masked language modelling predicts.
    assert changed <= {("heads.mlm.bias", ""), ("heads.mlm.candidates", "")}


def test_a_known_pair_moves_its_language_alone(make_model) -> None:
    old = shake(make_model())
    before = cells(old)
    grown = adapt(old, {Pair("pos", "yor"): FEW}, training=QUICK)
    after = cells(grown.model)
    assert grown.moved == ["yor"]
    assert {cell.language for cell in before if not same(before[cell], after[cell])} == {"yor"}


def loss(model: HyperX, pair: Pair) -> float:
    examples = list(model.tasks[pair.task].encode(FEW, model.tokenizer, max_length=24))
    batch = model.tasks[pair.task].collate(examples, model.tokenizer, torch.Generator())
    with torch.inference_mode():
        return float(model.eval()(pair, **batch._asdict())["loss"])


def test_few_sentences_are_learnt(make_model) -> None:
    old = shake(make_model())
    pair, config = Pair("pos", "hau"), QUICK.model_copy(update={"steps": 40, "learning_rate": 0.05})
    before = loss(adapt(old, {pair: FEW}, training=QUICK.model_copy(update={"learning_rate": 1e-12})).model, pair)
    embedding = loss(adapt(old, {pair: FEW}, training=config).model, pair)
    everything = loss(adapt(old, {pair: FEW}, training=config, train="all").model, pair)
    assert everything < embedding < before  # sixteen numbers of a random backbone's can't do much
    assert everything < 0.8 * before


def test_training_all_changes_all_cells(make_model) -> None:
    old = shake(make_model())
    before = cells(old)
    after = cells(adapt(old, {Pair("pos", "hau"): FEW}, training=QUICK, train="all").model)
    assert not any(all(map(torch.equal, before[cell][0], after[cell][0])) for cell in before)


def test_masked_language_modelling_predicts_new_pieces(make_model) -> None:
    old = make_model()
    old.heads["mlm"].restrict(torch.tensor([5, 9, 40]), torch.tensor([2, 1, 1]))
    bias = old.heads["mlm"].bias.detach().clone()
    head = adapt(old, {Pair("mlm", "hau"): RAW}, training=QUICK).model.heads["mlm"]
    places = torch.searchsorted(head.candidates, torch.tensor([5, 9, 40], dtype=torch.int32))
    assert torch.equal(head.bias[places], bias)
    pieces = {piece for row in old.tasks["mlm"].encode(RAW, old.tokenizer, max_length=24) for piece in row.input_ids}
    assert set(head.candidates.tolist()) == pieces | {5, 9, 40}


@pytest.mark.parametrize(
    ("data", "languages", "message"),
    [
        ({}, [], "nothing to do"),
        ({}, ["eng"], "knows eng already"),
        ({Pair("chunking", "eng"): FEW}, [], "unknown task 'chunking'"),
        ({Pair("pos", "eng"): []}, [], "no sentences of pos/eng"),
        ({Pair("pos", "hau"): [*FEW, *RAW]}, [], "sentences of pos/hau without words or without tags"),
        ({Pair("pos", "hau"): [Sentence((), ())]}, [], "sentences of pos/hau without words or without tags"),
        ({Pair("pos", "ha"): FEW, Pair("pos", "hau"): FEW}, [], "pos/hau is given twice"),
        ({}, (code for code in ["en"]), "knows eng already"),
        ({Pair("ner", "hau"): FEW}, [], "'DET' is not a label of the task 'ner'"),
    ],
)
def test_what_cannot_be_done_is_a_clear_error(
    data: dict[Pair, list[Sentence]], languages: Iterable[str], message: str, make_model
) -> None:
    with pytest.raises(HyperXError, match=message):
        adapt(make_model(), data, languages=languages)


def test_a_language_is_known_by_any_of_its_codes(make_model) -> None:
    grown = adapt(shake(make_model()), {Pair("pos", "yo"): FEW, Pair("pos", "ha"): FEW}, training=QUICK)
    assert grown.moved == ["yor"]
    assert grown.model.model_config.languages == ["eng", "swa", "yor", "hau"]
    assert grown.model.model_config.trained == ["pos/yor", "pos/hau"]


def test_training_that_diverges_names_no_folder_and_what_slows_it(make_model) -> None:
    wild = QUICK.model_copy(update={"learning_rate": 1e38})
    with pytest.raises(HyperXError, match=r"smaller 'training.learning_rate' \(hyperx adapt: --learning-rate\)$"):
        adapt(shake(make_model()), {Pair("pos", "hau"): FEW}, training=wild)
    with pytest.raises(HyperXError, match=r"heads\.\*\.output\.\*, .* a larger 'training.warmup_ratio' slows them$"):
        adapt(shake(make_model()), {Pair("pos", "hau"): FEW}, training=wild, train="all")


def test_another_method_has_nothing_to_grow_by(make_model) -> None:
    with pytest.raises(HyperXError, match=r"'single'.*'start'"):
        adapt(make_model(method=SingleConfig(bottleneck=4)), {Pair("pos", "hau"): FEW})


@pytest.fixture
def saved(make_model: Callable[..., HyperX], tmp_path: Path) -> Path:
    """A run's folder with a model, results and data, as training leaves it."""
    model = shake(make_model())
    model.backbone.encoder.save_pretrained(tmp_path / "encoder")
    model.tokenizer.save_pretrained(tmp_path / "encoder")
    model.model_config.backbone = str(tmp_path / "encoder")
    model.save_pretrained(tmp_path / "run" / "model")
    text = "".join("".join(f"{w} {t}\n" for w, t in zip(s.words, s.tags, strict=True)) + "\n" for s in FEW)
    (tmp_path / "pos.txt").write_text(text)
    (tmp_path / "run" / "config.yaml").write_text(f"""
name: run
backbone: {tmp_path / "encoder"}
data: [{", ".join(f"{{task: pos, language: {code}, train: ../pos.txt, test: ../pos.txt}}" for code in ("eng", "yor"))}]
train: {{pos: [eng]}}
""")
    result = CliRunner().invoke(app, ["evaluate", str(tmp_path / "run")])
    assert result.exit_code == 0, result.output
    return tmp_path / "run"


def invoke(saved: Path, output: str, *arguments: str) -> str:
    where = ["adapt", str(saved), "--output", str(saved.parent / output), "--steps", "12", "--batch-size", "4"]
    result = CliRunner().invoke(app, [*where, *arguments])
    if result.exception:
        raise result.exception
    return result.stdout


def test_adapting_from_the_command_line(saved: Path) -> None:
    file = saved.parent / "pos.txt"
    output = invoke(saved, "new", "-d", f"pos/ha={file}", "--sentences", "3", "--test", f"pos/hau={file}")
    folder = saved.parent / "new"
    results = Results.load(folder)
    assert {(str(row.pair), row.trained) for row in results.rows} == {
        ("pos/eng", False),
        ("pos/yor", False),
        ("pos/hau", True),
    }
    score = results.row("pos", "hau").score
    assert f"{score:.1f}" in output
    assert "pos/eng" not in output
    assert [row.score for row in results.rows[:2]] == [row.score for row in Results.load(saved).rows]
    assert results.average("pos", "zero-shot").count == 2
    card = (folder / "model" / "README.md").read_text()
    assert f"Hausa (hau) | {score:.1f} |" in card
    assert "3 sentences of pos/hau" in card
    model = HyperX.from_pretrained(folder)
    assert model.model_config.languages == ["eng", "swa", "yor", "hau"]
    assert score_pair(model, Pair("pos", "hau"), FEW).score == pytest.approx(score)
    assert model.model_config.trained == ["pos/hau"]


def test_training_all_shows_every_cell_before_and_after(saved: Path) -> None:
    output = invoke(
        saved, "all", "-d", f"pos/hau={saved.parent / 'pos.txt'}", "--train", "all", "--learning-rate", "0.01"
    )
    before, after = (Results.load(saved.parent / "all" / name) for name in ("results-before.json", "results.json"))
    assert [row.score for row in before.rows] == [row.score for row in Results.load(saved).rows]
    for old, new in zip(before.rows, after.rows, strict=True):
        assert old.pair == new.pair
        assert f"{new.score - old.score:+.1f}" in output
    assert json.loads((saved.parent / "all" / "adaptation.json").read_text())["moved"] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-d", "pos/hau"], "'pos/hau' names no sentences; expected a pair and a file"),
        (["-d", "pos=FILE"], "'pos' is not a pair"),
        (["-d", "dance/hau=FILE"], "unknown task 'dance'; known are"),
        (["-d", "pos/hau=missing.txt"], "missing.txt"),
        (["-d", "pos/hau=FILE", "--train", "some"], "no choice 'some' of what to train"),
        (["-d", "pos/hau=FILE", "--learning-rate", "0"], "learning rate of 0.0 trains nothing"),
        (["-d", "pos/hau=FILE", "--learning-rate", "nan"], "learning rate of nan trains nothing"),
        (["-d", "pos/hau=FILE", "--learning-rate", "inf"], "learning rate of inf trains nothing"),
        (["-d", "pos/hau=FILE", "--test", "ner/xho=FILE"], "not an entity tag"),
        (["-d", "pos/hau=FILE", "--test", "pos/xho=FILE"], "pos/xho can't be scored: the model has the tasks"),
        (["-d", "pos/hau=FILE", "--test", "mlm/hau=FILE"], "the task 'mlm' tags nothing"),
        (["-d", "pos/hau=FILE", "--test", "pos/hau=NONE"], "there are no sentences of pos/hau to score"),
    ],
)
def test_a_users_mistake_is_one_clear_error(saved: Path, arguments: list[str], message: str) -> None:
    (saved.parent / "none.conllu").write_text("# no sentence\n")
    files = {"FILE": str(saved.parent / "pos.txt"), "NONE": str(saved.parent / "none.conllu")}
    with pytest.raises(HyperXError, match=message):
        invoke(saved, "new", *(re.sub("FILE|NONE", lambda name: files[name[0]], part) for part in arguments))
    assert not (saved.parent / "new").exists()


def test_a_grown_model_says_no_score_that_is_not_its_own(saved: Path, make_model) -> None:
    old = shake(make_model())
    scores = {"pos/eng": (90.0, 80.0, 95.0), "ner/swa": (50.0, 40.0, 60.0)}
    old.model_config.scores, old.model_config.temperatures = dict(scores), {"pos": 1.5}
    kept = adapt(old, {Pair("pos", "hau"): FEW}, training=QUICK).model.model_config
    assert (kept.scores, kept.temperatures) == (scores, {"pos": 1.5})
    moved = adapt(old, {Pair("pos", "eng"): FEW}, training=QUICK).model.model_config
    assert list(moved.scores) == ["ner/swa"]
    changed = adapt(old, {Pair("pos", "eng"): FEW}, training=QUICK, train="all").model.model_config
    assert (changed.scores, changed.temperatures) == ({}, {})
    assert old.model_config.scores == scores
    invoke(saved, "new", "-d", f"pos/hau={saved.parent / 'pos.txt'}", "--test", f"pos/hau={saved.parent / 'pos.txt'}")
    (row,) = (row for row in Results.load(saved.parent / "new").rows if row.language == "hau")
    model = HyperX.from_pretrained(saved.parent / "new")
    assert model.model_config.scores["pos/hau"] == pytest.approx((row.score, row.low, row.high))
    assert model.expected_score("pos", "hau").score == pytest.approx(row.score)


def test_the_most_frequent_tag_is_that_of_the_training_data(saved: Path) -> None:
    (saved.parent / "gold.txt").write_text("the X\ncat X\nran X\ndog DET\n")
    invoke(saved, "new", "-d", f"mlm/swa={saved.parent / 'pos.txt'}", "--test", f"pos/swa={saved.parent / 'gold.txt'}")
    assert Results.load(saved.parent / "new").row("pos", "swa").majority < 75
    lost = saved.parent / "new" / "model"  # of which no training data is at hand
    invoke(lost, "again", "-d", f"mlm/swa={saved.parent / 'pos.txt'}", "--test", f"pos/swa={saved.parent / 'gold.txt'}")
    assert Results.load(lost.parent / "again").row("pos", "swa").majority == 75


def test_a_folder_that_takes_no_files_ends_it_before_training(saved: Path) -> None:
    (saved.parent / "new").touch()
    with pytest.raises(HyperXError, match=r"new can't be written: "):
        invoke(saved, "new", "-d", f"pos/hau={saved.parent / 'pos.txt'}")


def test_a_grown_model_can_be_grown_again(saved: Path) -> None:
    pytest.importorskip("urielplus")
    invoke(saved, "new", "-d", f"pos/hau={saved.parent / 'pos.txt'}")
    output = invoke(saved.parent / "new", "again", "-l", "zul")
    assert "Zulu starts at the embeddings of Hausa 100.0%" in output
    assert json.loads((saved.parent / "again" / "adaptation.json").read_text())["relatives"] == {"zul": {"hau": 1.0}}
    assert HyperX.from_pretrained(saved.parent / "again").model_config.languages[-1] == "zul"


def test_a_folder_that_holds_a_model_is_left_alone(saved: Path) -> None:
    with pytest.raises(HyperXError, match="holds a model, a run or results already"):
        invoke(saved, "run", "-l", "zul")
    (saved.parent / "broken-off" / "checkpoints").mkdir(parents=True)
    with pytest.raises(HyperXError, match="holds a model, a run or results already"):
        invoke(saved, "broken-off", "-l", "zul")
    assert not (saved.parent / "broken-off" / "model").exists()


def test_what_gold_sentences_cannot_tell_is_said(saved: Path) -> None:
    (saved.parent / "o.txt").write_text("Amina\tO\nran\tO\n\n")
    (saved.parent / "dates.txt").write_text("Monday\tB-DATE\n\n")
    file, empty, dates = (saved.parent / name for name in ("pos.txt", "o.txt", "dates.txt"))
    with pytest.raises(HyperXError, match="ner/hau: every word is O, so there is nothing of ner to learn"):
        invoke(saved, "new", "-d", f"ner/hau={empty}")
    where = ["adapt", str(saved), "--output", str(saved.parent / "new"), "--steps", "2"]
    arguments = ["-d", f"pos/ha={file}", "--test", f"pos/hau={file}", "--test", f"ner/hau={empty}"]
    said = " ".join(CliRunner().invoke(app, [*where, *arguments]).stderr.split())
    assert f"stand in the training set, too: pos/hau {len(FEW)} of {len(FEW)}" in said
    assert "every word of the test set is O, so that its score tells nothing: ner/hau" in said
    said = " ".join(CliRunner().invoke(app, ["evaluate", str(saved), "--test", f"ner/yo={dates}"]).stderr.split())
    assert "labels of a test set that no training set has, so that none is found: ner/yor DATE 1 times" in said
    said = CliRunner().invoke(app, ["evaluate", str(saved), "--test", f"pos/yor={file}"]).stderr
    assert "labels of a test set" not in said


def test_scoring_a_model_downloads_nothing(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = saved / "config.yaml"
    config.write_text(
        config.read_text()
        .replace("data: [", "data: [{hub: someone/else, task: pos, language: swa}, ")
        .replace("[eng]", "[eng, swa]")
    )
    monkeypatch.setattr("hyperx.dataset.load_hub", pytest.fail)
    (saved.parent / "gold.txt").write_text("the X\ncat X\nran X\ndog DET\n")
    results = saved.parent / "scores"
    arguments = ["evaluate", str(saved), "--test", f"pos/eng={saved.parent / 'gold.txt'}", "--output", str(results)]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert Results.load(results).row("pos", "eng").majority < 75  # of what is on disk
