"""Run configurations: what is refused, and what the committed ones would do."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from conftest import TAGS, columns
from hyperx import dataset
from hyperx.cli.app import app
from hyperx.config import RunConfig, load_run_config, save_run_config
from hyperx.errors import HyperXError

CONFIGS = Path(__file__).parents[1] / "configs"
MINIMAL = "name: a\ndata: [{corpus: starter}]\ntrain: {pos: [eng]}\n"

HUB = "name: a\ndata: [{{task: mlm, language: eng, hub: some/corpus, {}}}]\ntrain: {{mlm: [eng]}}\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "run.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (MINIMAL + "trainning: {}\n", r"unknown key 'trainning' \(did you mean 'training'\?\)"),
        (MINIMAL + "training: {step: 3}\n", r"unknown key 'training\.step' \(did you mean 'steps'"),
        (
            MINIMAL + "method: {name: hyperx, bottle: 3}\n",
            r"unknown key 'method\.bottle' \(did you mean 'bottleneck'\?\)",
        ),
        (MINIMAL + "method: {name: single, xyz: 3}\n", r"unknown key 'method\.xyz' \(known are name, .*bottleneck"),
        (MINIMAL + "training: {steps: many}\n", r"'training\.steps': Input should be a valid integer"),
        ("name: a\ntrain: {pos: [eng]}\n", "'data' is missing"),
        (MINIMAL.replace("{pos: [eng]}", "all"), r"yaml: 'train': expected languages by task, as in \{pos: all\}$"),
        (MINIMAL.replace("[eng]", "3"), r"yaml: 'train\.pos': Input should be a valid list$"),
        (MINIMAL.replace("[eng]", "no"), r"yaml: 'train\.pos': YAML reads no as false; write \"no\" in quotes, or nob"),
        (MINIMAL.replace("starter", "starter, languages: [no]"), r"'data\.0\.languages\.0': YAML reads no as false"),
        (MINIMAL + "method: {name: mad-x}\n", "'method': expected one of the names hyperx, single, .*, found mad-x$"),
        (MINIMAL + "method: {bottleneck: 3}\n", "'method': expected one of the names hyperx, .*, found none$"),
        (MINIMAL.replace("eng", "english!"), r"run\.yaml: Unknown language 'english!'"),
        ("name: [\n", r"run\.yaml:2: not valid YAML"),
        ("- a\n", "expected keys and values"),
        (MINIMAL + "training: {batch_size: 10, pairs_per_step: 4}\n", "10 is no multiple of pairs_per_step 4"),
        (HUB.format("streaming: true, train: train"), "its number of 'sentences'"),
        (
            HUB.format("streaming: true, train: train, sentences: 9, max_sentences: 3"),
            "leave 'max_sentences' and 'draw' out",
        ),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(HyperXError, match=message):
        load_run_config(write(tmp_path, text))


def test_short_ways_to_write(tmp_path: Path) -> None:
    config = load_run_config(write(tmp_path, MINIMAL), ["method=single", "train.ner=br"])
    assert (config.method.name, config.train) == ("single", {"pos": ["eng"], "ner": ["bre"]})


def test_overrides_and_round_trip(tmp_path: Path) -> None:
    config = load_run_config(write(tmp_path, MINIMAL), ["training.steps=7", "method={name: single}", "train.ner=[sw]"])
    assert (config.training.steps, config.method.name, config.train["ner"]) == (7, "single", ["swa"])
    save_run_config(config, tmp_path / "resolved.yaml")
    assert load_run_config(tmp_path / "resolved.yaml") == config
    with pytest.raises(HyperXError, match="expected key=value"):
        load_run_config(tmp_path / "run.yaml", ["training.steps"])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("=3", "'=3' is not an override"),
        ("name=[", "'name=\\[': the value is not valid YAML"),
        ("name.first=x", "'name' holds no keys that could be set"),
    ],
)
def test_overrides_that_cannot_be(tmp_path: Path, override: str, message: str) -> None:
    with pytest.raises(HyperXError, match=message):
        load_run_config(write(tmp_path, MINIMAL), [override])


def test_files_that_are_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(HyperXError, match=r"is a folder; give the run's YAML file, in a run's folder .*config\.yaml"):
        load_run_config(tmp_path)
    (tmp_path / "run.yaml").write_text("#" * 300_001)
    with pytest.raises(HyperXError, match="is no file, or larger than"):
        load_run_config(tmp_path / "run.yaml")
    (tmp_path / "run.yaml").write_bytes(b"name: \xff\n")
    with pytest.raises(HyperXError, match=r"run\.yaml: 'utf-8' codec can't decode"):
        load_run_config(tmp_path / "run.yaml")


def plan(*arguments: str) -> dict:
    result = CliRunner().invoke(app, ["train", *arguments, "--plan", "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize(("size", "millions"), [(192, 76.2), (32, 13.1)])
def test_the_papers_sizes_are_planned_without_a_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, millions: float
) -> None:
    text = MINIMAL + "backbone: google-bert/bert-base-multilingual-cased\n"
    text += f"method: {{name: hyperx, recipe: paper, bottleneck: 256, projection_size: {size}}}\n"
    planned = plan(str(write(tmp_path, text)))
    assert planned["parts"]["method"] / 1e6 == pytest.approx(millions, abs=0.1)
    assert planned["trained_parameters"] == sum(planned["parts"].values())
    assert planned["backbone_parameters"] / 1e6 == pytest.approx(177.3, abs=0.1)


def test_a_plan_says_what_raw_text_takes_of_few_steps(tmp_path: Path) -> None:
    columns(tmp_path / "pos.txt", TAGS, 20)
    (tmp_path / "raw.txt").write_text("the cat saw a dog\n" * 20)
    text = (
        "name: a\ndata: [{task: pos, language: eng, train: pos.txt}, {task: mlm, language: yor, train: raw.txt}]\n"
        "train: {pos: all, mlm: all}\n"
    )
    path = write(tmp_path, text)
    (told,) = [notice for notice in plan(str(path))["notices"] if "raw text takes" in notice]
    assert told.startswith("raw text takes 50% of the steps")
    assert told.endswith("try training.auxiliary_share=0.05")
    for override in ("training.steps=5000", "training.auxiliary_share=0", "training.auxiliary_share=0.05"):
        assert not [notice for notice in plan(str(path), override)["notices"] if "raw text takes" in notice]


def test_a_plan_says_what_training_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns(tmp_path / "pos.txt", TAGS, 20)
    monkeypatch.setattr(dataset, "load_hub", lambda *_, **__: missing("no network"))
    hub = "{task: ner, language: eng, hub: some/corpus}"
    text = (
        "name: a\ndata: [{task: pos, language: eng, train: pos.txt, test: pos.txt}, {corpus: starter, languages: [fas]}, "
        f"{hub}]\ntrain: {{pos: [eng], ner: [eng]}}\n"
    )
    path = str(write(tmp_path, text))
    planned = plan(path)
    assert {pair["pair"]: pair["sentences"] for pair in planned["pairs"]} == {"pos/eng": 20, "ner/eng": None}
    assert planned["zero_shot"] == ["pos/fas", "ner/fas"]
    assert planned["tagged_only"] == []
    told = "\n".join(planned["notices"])
    for notice in (
        "ner/eng: no network",
        "sentences of the test set that stand in the training set, too: pos/eng 20 of 20",
        "these pairs have no dev set, so they do not help choose the checkpoint: pos/eng",
        "fas has no training data at all",
    ):
        assert notice in told
    shown = CliRunner().invoke(app, ["train", path, "evaluate={pos: [eng]}", "train={pos: eng, mlm: fas}", "--plan"])
    assert "are scored (0): none; without a test set (1), to be tagged only: pos/fas" in " ".join(shown.output.split())


def missing(why: str) -> None:
    raise HyperXError(why)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("start=./none", "there is no model folder './none'"),
        ("train={}", "there is nothing to train on"),
        ("data=[{task: pos, language: eng, train: none.txt}]", r"there is no file .*none\.txt"),
    ],
)
def test_a_plan_ends_in_the_error_that_training_would(tmp_path: Path, override: str, message: str) -> None:
    path = str(write(tmp_path, MINIMAL))
    for arguments in (["--plan"], ["--output", str(tmp_path / "run")]):
        result = CliRunner().invoke(app, ["train", path, override, *arguments])
        assert isinstance(result.exception, HyperXError)
        assert re.search(message, str(result.exception))


@pytest.mark.parametrize("number", [1, 2])
def test_mixed_partitions_hide_every_pair_once(data: Path, number: int) -> None:
    configs = [load_run_config(CONFIGS / f"afrimix-mixed-{n}.yaml") for n in (number, 3 - number)]
    pos, ner = ({frozenset(config.train[task]) for config in configs} for task in ("pos", "ner"))
    assert pos == ner
    first, second = pos
    assert first & second == {"eng"}
    assert len(first | second) == 21


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_committed_configuration_is_valid(path: Path) -> None:
    assert load_run_config(path).name == path.stem


def test_a_split_that_a_data_set_has_not_is_written_so(tmp_path: Path) -> None:
    entry = {"hub": "someone/data", "task": "ner", "language": "yor", "dev": None, "test": None}
    config = RunConfig.model_validate({"name": "a", "data": [entry], "train": {"ner": "all"}})
    save_run_config(config, tmp_path / "config.yaml")
    assert load_run_config(tmp_path / "config.yaml").data == config.data
