"""Whole runs, with a tiny backbone: train, resume, evaluate, tag, draw, as a user would."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from click.testing import Result
from safetensors.torch import load_file
from transformers import TrainerCallback
from typer.testing import CliRunner

from conftest import WORDS
from hyperx import HyperX
from hyperx.cli.app import app
from hyperx.config import load_run_config
from hyperx.cost import Cost
from hyperx.errors import HyperXError
from hyperx.results import Results
from hyperx.run import train

CONLLU = "".join(f"{n}\t{word}\t_\tX\t_\t_\t0\troot\t_\tKeep=Yes\n" for n, word in enumerate(WORDS[:4], 1)) + "\n"


def test_a_run_leaves_all_that_it_should(run: Path) -> None:
    present = {path.name for path in run.iterdir()}
    assert present >= {
        "config.yaml",
        "environment.json",
        "log.json",
        "results.json",
        "matrix.png",
        "matrix.html",
        "model",
    }
    assert (run / "matrix.png").read_bytes().startswith(b"\x89PNG")
    results = Results.load(run)
    assert {(str(row.pair), row.trained) for row in results.rows} == {
        ("pos/eng", True),
        ("ner/swa", True),
        ("ner/eng", False),
        ("pos/yor", False),
    }
    assert results.text_only == ["yor"]
    assert all(row.low <= row.score <= row.high for row in results.rows)
    card = (run / "model" / "README.md").read_text()
    assert f"{results.row('pos', 'yor').score:.1f} ·" in card


def test_a_resumed_run_continues_as_if_it_had_not_stopped(yaml: Path, run: Path, tmp_path: Path) -> None:
    class Interrupt(TrainerCallback):
        def on_step_end(self, args, state, control, **_) -> None:
            if state.global_step == 27:
                raise KeyboardInterrupt

    config = load_run_config(yaml, [f"output={tmp_path / 'resumed'}"])
    with pytest.raises(KeyboardInterrupt):
        train(config, callbacks=[Interrupt()])
    with pytest.raises(HyperXError, match="--resume"):
        train(config)
    torn = tmp_path / "resumed" / "checkpoints" / "checkpoint-30"
    shutil.copytree(torn.with_name("checkpoint-20"), torn)
    state = json.loads((torn / "trainer_state.json").read_text())
    before = state["stateful_callbacks"]["Stopwatch"]["attributes"]
    (torn / "trainer_state.json").write_text('{"global_step": 30, "log_hist')
    train(config, resume=True)
    whole, resumed = (
        load_file(folder / "checkpoints" / "checkpoint-40" / "model.safetensors")
        for folder in (run, tmp_path / "resumed")
    )
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    log = [json.loads((folder / "log.json").read_text()) for folder in (run, tmp_path / "resumed")]
    scores = [{row["step"]: row["eval_score"] for row in rows if "eval_score" in row} for rows in log]
    assert scores[0] == scores[1]
    assert set(scores[0]) == {10, 20, 30, 40}
    costs = [Cost.load(folder / "cost.json") for folder in (run, tmp_path / "resumed")]
    same = {"examples", "pieces", "trained_parameters", "stored_parameters", "language_parameters"}
    assert costs[0].model_dump(include=same) == costs[1].model_dump(include=same)
    assert costs[1].training_seconds > before["seconds"] > 0
    assert costs[1].processor_seconds is not None
    assert costs[1].processor_seconds > before["processor"] > 0


def test_what_a_run_cost(run: Path) -> None:
    cost = Cost.load(run / "cost.json")
    assert cost.stored_parameters == sum(t.numel() for t in load_file(run / "model" / "model.safetensors").values())
    assert cost.language_parameters == 64
    assert 0 < sum(cost.examples.values()) <= 40 * 8
    assert set(cost.examples) == {"pos", "ner", "mlm"}
    assert cost.pieces <= 24 * sum(cost.examples.values())
    assert cost.training_seconds > 0
    assert cost.processor_seconds is not None
    assert cost.processor_seconds > 0
    assert cost.peak_memory_bytes > 10**7
    with pytest.raises(HyperXError, match="train the run again"):
        Cost.load(run / "none.json")


def test_the_best_checkpoint_is_the_model(run: Path) -> None:
    log = [row for row in json.loads((run / "log.json").read_text()) if "eval_score" in row]
    best = max(row["eval_score"] for row in log)
    step = next(row["step"] for row in log if row["eval_score"] == best)
    assert Results.load(run).step == step


def tag(run: Path, *arguments: str, text: str = "the cat saw Paris .\n\nAmina ran\n") -> str:
    result = CliRunner().invoke(app, ["tag", str(run), *arguments], input=text)
    assert result.exit_code == 0, result.output + str(result.exception)
    return result.stdout


def test_tagging_from_the_command_line_is_tagging_from_python(run: Path, tmp_path: Path) -> None:
    expected = HyperX.from_pretrained(run).tag(["the cat saw Paris .", ["Amina", "ran"]], task="ner", language="eng")
    file = tmp_path / "in.txt"
    file.write_text("the cat saw Paris .\n\nAmina ran\n")
    lines = tag(run, str(file), "--task", "ner", "--language", "en").split("\n")
    assert [line.split("\t")[1] for line in lines[:5]] == expected[0]
    rows = [json.loads(line) for line in tag(run, str(file), "-t", "ner", "-l", "eng", "-f", "jsonl").splitlines()]
    assert [row["ner_tags"] for row in rows] == expected
    assert rows[0]["tokens"] == ["the", "cat", "saw", "Paris", "."]


def test_conllu_comes_back_with_all_that_it_held(run: Path, tmp_path: Path) -> None:
    file = tmp_path / "in.conllu"
    file.write_text("# text = the cat\n1-2\tthecat\t_\t_\t_\t_\t_\t_\t_\t_\n" + CONLLU)
    output = tag(run, str(file), "-t", "pos", "-l", "yor")
    assert output.startswith("# text = the cat\n1-2\tthecat\t")
    rows = [line.split("\t") for line in output.splitlines() if line[:1].isdigit()][1:]
    assert [row[1] for row in rows] == WORDS[:4]
    assert {row[9] for row in rows} == {"Keep=Yes"}
    assert [row[3] for row in rows] == HyperX.from_pretrained(run).tag([WORDS[:4]], task="pos", language="yor")[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tag", "RUN", "-t", "ner", "-l", "deu"], "not trained with the language 'deu'"),
        (["tag", "RUN", "-t", "mlm", "-l", "eng"], "tags nothing"),
        (["tag", "RUN", "-t", "ner", "-l", "eng", "-f", "xml"], "no output format 'xml'"),
        (["tag", "RUN", "missing.txt", "-t", "ner", "-l", "eng"], "there is no file missing.txt"),
        (["tag", "./nothing", "-t", "ner", "-l", "eng"], "no model folder './nothing'"),
        (["matrix", "nothing"], "can't be read"),
        (["evaluate", "RUN", "--split", "train"], "no split 'train'"),
        (["evaluate", "RUN", "--split", "dev", "--test", "pos/eng=none.txt"], "give one of them"),
        (["evaluate", "RUN", "--output", "RUN/new"], "are of what --test names; give it, too"),
        (["evaluate", "RUN/model", "--test", "pos/eng"], "'pos/eng' names no sentences"),
        (
            ["evaluate", "RUN/model", "--test", "feats/eng=RUN/gold.conllu"],
            "feats/eng can't be scored: the model has the",
        ),
        (["evaluate", "RUN/model", "--test", "pos/hau=RUN/gold.conllu"], "pos/hau can't be scored: the model has the"),
        (["evaluate", "RUN/model", "--test", "mlm/eng=RUN/gold.conllu"], "the task 'mlm' tags nothing"),
        (["train", "nothing.yaml"], "nothing.yaml can't be read"),
        (["train", "RUN/config.yaml", "training.max_length=1024", "output=RUN/new"], "reads 512 pieces at most"),
        (["train", "RUN/config.yaml", "training.max_length=1024", "--plan"], "reads 512 pieces at most"),
        (["matrix", "RUN", "--html", "RUN/cost.json/page.html"], "page.html can't be written"),
        (["matrix", "RUN", "--png", "RUN/none/page.png"], "page.png can't be written"),
    ],
)
def test_a_users_mistake_is_one_clear_error(run: Path, arguments: list[str], message: str) -> None:
    (run / "gold.conllu").write_text(CONLLU)
    result = CliRunner().invoke(app, [part.replace("RUN", str(run)) for part in arguments])
    assert isinstance(result.exception, HyperXError)
    assert message in str(result.exception)


def test_an_output_is_a_path_whatever_it_looks_like(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    steps = ["training.steps=1", "training.dev_sentences=0"]
    result = CliRunner().invoke(app, ["train", str(run / "config.yaml"), *steps, "--output", "1e3"])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "1e3" / "results.json").is_file()


def test_the_matrix_as_text_and_html(run: Path, tmp_path: Path) -> None:
    page = tmp_path / "matrix.html"
    result = CliRunner().invoke(app, ["matrix", str(run), "--html", str(page), "--png", str(tmp_path / "m.png")])
    assert result.exit_code == 0, result.output
    assert result.stderr.splitlines() == [f"Saved in {tmp_path / 'm.png'}", f"Saved in {page}"]
    for row in Results.load(run).rows:
        assert f"{row.score:.1f}" in result.stdout
        assert f"{row.score:.1f} <small>" in page.read_text()
    assert 'class="text"' in page.read_text()


def test_evaluating_again_gives_the_same_scores(run: Path, tmp_path: Path) -> None:
    run = shutil.copytree(run, tmp_path / "run")  # other tests compare with what training alone gave
    before = Results.load(run)
    path = run / "model" / "config.json"
    config = json.loads(path.read_text())
    assert set(config["temperatures"]) == {"pos", "ner"}
    assert config["scores"] == {str(row.pair): [row.score, row.low, row.high] for row in before.rows}
    path.write_text(json.dumps(config | {"temperatures": {}, "scores": {}}))  # as of a folder that has neither
    told = {name: (run / name).read_bytes() for name in ("matrix.html", "matrix.png", "model/README.md")}
    for name in told:
        (run / name).write_text("of the scores before")
    result = CliRunner().invoke(app, ["evaluate", str(run)])
    assert result.exit_code == 0, result.output
    assert {name: (run / name).read_bytes() for name in told} == told
    assert Results.load(run).step == before.step is not None
    again = json.loads(path.read_text())
    assert again["temperatures"] == pytest.approx(
        config["temperatures"], rel=0.01
    )  # bfloat16 rounds by its kernels' choice
    assert again["scores"] == config["scores"]
    (run / "results.json").write_text('{"version": 0}')
    assert CliRunner().invoke(app, ["evaluate", str(run)]).exit_code == 0
    after = Results.load(run)
    assert [row.score for row in after.rows] == [row.score for row in before.rows]
    assert after.averages == before.averages


def test_a_run_without_dev_sets_has_no_dev_scores(yaml: Path, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(
        f"name: a\ndata: [{{task: pos, language: eng, train: {yaml.parent / 'pos.txt'}}}]\ntrain: {{pos: all}}\n"
    )
    result = CliRunner().invoke(app, ["evaluate", str(tmp_path), "--split", "dev"])
    assert "no pair of this run has a dev set; add dev: to its data entries" in str(result.exception)
    assert not (tmp_path / "results-dev.json").exists()


def test_a_saved_model_is_scored_on_gold_sentences(run: Path, yaml: Path, tmp_path: Path) -> None:
    gold = ["--test", f"pos/yo={yaml.parent / 'pos.txt'}", "--test", f"ner/eng={yaml.parent / 'ner.txt'}"]
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    scored = [CliRunner().invoke(app, ["evaluate", *where, *gold]) for where in ([str(run)], [str(run / "model")])]
    assert [result.exit_code for result in scored] == [0, 0], scored
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before
    result = CliRunner().invoke(app, ["evaluate", str(run), *gold, "--output", str(tmp_path / "scores")])
    assert result.stdout == scored[0].stdout
    results, expected = Results.load(tmp_path / "scores"), Results.load(run)
    assert [str(row.pair) for row in results.rows] == ["pos/yor", "ner/eng"]
    for row in results.rows:
        own = expected.row(row.task, row.language)
        assert (row.score, row.majority, row.trained) == (own.score, own.majority, own.trained)
        assert f"{row.score:.1f}" in scored[1].stdout


def test_what_keeps_training_from_beginning_is_in_its_plan(yaml: Path, run: Path, tmp_path: Path) -> None:
    for overrides, message in (
        (["method={name: psf, latent_size: 4, rank: 2}"], "there is none of yor"),
        (["method={name: madx}"], "MAD-X is trained in two runs"),
        ([f"start={run}", "method={name: single}"], "its method is .name: single"),
    ):
        for plan in ([], ["--plan"]):
            arguments = ["train", str(yaml), *overrides, "--output", str(tmp_path / "new"), *plan]
            with pytest.raises(HyperXError, match=message):
                raise CliRunner().invoke(app, arguments).exception or AssertionError(overrides)
        shutil.rmtree(tmp_path / "new", ignore_errors=True)
    plan = ["train", str(yaml), "--output", str(run), "--plan"]
    for arguments, told in (
        ([], "holds a run already; give --resume"),
        (["--resume", "seed=2"], "can't go on with other settings than it began with (seed was 1, now it is 2)"),
    ):
        result = CliRunner().invoke(app, [*plan, *arguments])
        assert result.exit_code == 0, result.output
        assert told in " ".join(result.stdout.split())


def test_mad_x_is_trained_in_two_runs(yaml: Path, tmp_path: Path) -> None:
    method = "{name: madx, language_bottleneck: 8, task_bottleneck: 4"
    texts = [f"{{task: mlm, language: {language}, train: raw.txt}}" for language in ("eng", "swa", "yor")]
    entries = [
        line.strip()[2:] for line in yaml.read_text().splitlines() if line.startswith("  - ") and "mlm" not in line
    ]
    data = f"data=[{', '.join([*entries, *texts])}]"

    def invoke(output: str, *overrides: str) -> Result:
        arguments = ["train", str(yaml), data, *overrides, "--output", str(tmp_path / output)]
        return CliRunner().invoke(app, arguments)

    result = invoke("languages", f"method={method}}}")
    assert "MAD-X is trained in two runs" in str(result.exception)
    result = invoke("languages", f"method={method}}}", "train={mlm: all}")  # the mistake left nothing in the way
    assert result.exit_code == 0, result.output
    given = f"method={method}, language_adapters: {tmp_path / 'languages'}}}"
    assert "leave mlm out" in str(invoke("tasks", given).exception)
    result = invoke("tasks", given, "train={pos: [eng], ner: [swa]}")
    assert result.exit_code == 0, result.output
    model = HyperX.from_pretrained(tmp_path / "tasks")
    assert len(model.tag(["the cat ran"], task="ner", language="yor")[0]) == 3
    before = load_file(tmp_path / "languages" / "model" / "model.safetensors")["method.languages.2.layers"]
    assert torch.equal(model.method.languages[2].layers, before)


def test_a_language_without_labels_has_no_posterior(yaml: Path, tmp_path: Path) -> None:
    arguments = ["train", str(yaml), "method={name: psf, latent_size: 4, rank: 2}", "--output", str(tmp_path / "psf")]
    result = CliRunner().invoke(app, arguments)
    assert "there is none of yor" in str(result.exception)
    result = CliRunner().invoke(
        app, [*arguments, "evaluate={pos: [eng], ner: [eng, swa]}", "train={pos: [eng], ner: [swa]}"]
    )
    assert result.exit_code == 0, result.output
