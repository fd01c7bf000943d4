"""A study on a tiny benchmark: its runs, what is skipped, resumed and left out, as a user would see it."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from transformers import PreTrainedTokenizerFast
from typer.testing import CliRunner

from conftest import ENCODERS, WORDS
from hyperx.cli.app import app
from hyperx.config import CorpusEntry
from hyperx.cost import Cost
from hyperx.data.sentence import Sentence
from hyperx.dataset import take
from hyperx.errors import HyperXError
from hyperx.lock import alone_in
from hyperx.pairs import Pair
from hyperx.results import Results
from hyperx.resuming import changes
from hyperx.run import train
from hyperx.study.benchmark import load_benchmark
from hyperx.study.few_shot import train_group
from hyperx.study.kept import KEPT, portable
from hyperx.study.runner import Runner
from hyperx.study.runs import LANGUAGE_ADAPTERS, STUDIES, Planner, Run, of_methods

LANGUAGES = ("eng", "swa", "yor")


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory: pytest.TempPathFactory, tokenizer: PreTrainedTokenizerFast) -> Path:
    folder = tmp_path_factory.mktemp("benchmark")
    ENCODERS["bert"]().save_pretrained(folder / "backbone")
    tokenizer.save_pretrained(folder / "backbone")
    rows = {task: "".join(f"{word}\t{tag}\n" for word in WORDS[:8]) + "\n" for task, tag in
            {"pos": "NOUN", "ner": "B-PER"}.items()}  # fmt: skip
    entries = []
    for language in LANGUAGES:
        for task, text in rows.items():
            (folder / f"{task}-{language}.txt").write_text(text * 6, encoding="utf-8")
            file = f"{task}-{language}.txt"
            entries.append(f"  - {{task: {task}, language: {language}, train: {file}, dev: {file}, test: {file}}}")
        (folder / f"{language}.txt").write_text(" ".join(WORDS) + "\n" + " ".join(WORDS[::-1]) + "\n")
        entries.append(f"  - {{task: mlm, language: {language}, train: {language}.txt}}")
    path = folder / "tiny.yaml"
    path.write_text(
        f"""
name: tiny
backbone: {folder / "backbone"}
source: en
data:
{chr(10).join(entries)}
families: {{one: [sw], two: [yo]}}
swaps: [[sw, yor]]
methods:
  hyperx: {{method: {{name: hyperx, bottleneck: 4, projection_size: 2}}}}
  finetune: {{method: {{name: finetune}}}}
  madx: {{method: {{name: madx, language_bottleneck: 4, task_bottleneck: 2}}}}
  psf: {{method: {{name: psf, latent_size: 4}}}}
scales:
  small:
    training: {{steps: 6, batch_size: 4, eval_steps: 3, max_length: 24}}
    methods: {{hyperx: {{learning_rate: 0.002}}}}
    language_steps: 2
    seeds: 1
    few_shot:
      languages: [yo]
      sizes: [2, 4]
      draws: 2
      methods: {{hyperx: {{steps: 4, learning_rate: 0.01}}, madx: {{steps: 3, learning_rate: 0.02}}}}
  long: {{training: {{steps: 30000, batch_size: 4, eval_steps: 10, max_length: 24}}, language_steps: 2, seeds: 1}}
"""
    )
    return path


def planner(benchmark: Path, folder: Path = Path("runs")) -> Planner:
    return Planner(load_benchmark(str(benchmark)), "small", folder)


def test_partitions_come_from_the_families_unless_given(benchmark: Path) -> None:
    described = load_benchmark(str(benchmark))
    hidden = [{task: {"swa", "yor"} - set(part[task]) for task in part} for part in described.partitions]
    assert [sum(map(len, part.values())) for part in hidden] == [2, 2]
    for task in ("pos", "ner"):
        assert hidden[0][task] | hidden[1][task] == {"swa", "yor"}
        assert not hidden[0][task] & hidden[1][task]
        plain, swapped = described.mixed(1), described.mixed(1, swapped=True)
        assert plain[task][0] == swapped[task][0] == "eng"
        assert {"swa": "yor", "yor": "swa"}[plain[task][1]] == swapped[task][1]


def test_each_study_plans_its_runs(benchmark: Path) -> None:
    plan = {study: {run.name: run for run in runs(planner(benchmark))} for study, runs in STUDIES.items()}
    transfer = plan["transfer"]
    assert next(iter(transfer)) == LANGUAGE_ADAPTERS
    assert transfer[LANGUAGE_ADAPTERS].config.training.steps == 2 * 3
    assert set(plan["efficiency"]) <= set(transfer)
    assert transfer["single-pos-hyperx-seed1"].config.train == {"pos": ["eng"], "mlm": "all"}
    assert transfer["single-pos-finetune-seed1"].config.train == {"pos": ["eng"]}
    assert transfer["mixed-1-hyperx-seed1"].config.training.learning_rate == 0.002
    assert transfer["multi-madx-seed1"].needs == LANGUAGE_ADAPTERS
    assert {run.setting for run in transfer.values() if run.system == "psf"} == {"mixed-1", "mixed-2"}
    texts = [plan["mlm"][f"mixed-1-{system}-seed1"].config.train.get("mlm") for system in
             ("hyperx", "hyperx-mlm-unseen", "hyperx-mlm-none")]  # fmt: skip
    assert texts == ["all", ["swa", "yor"], None]
    sparing = benchmark.with_name("sparing.yaml")
    sparing.write_text(benchmark.read_text().replace("    seeds: 1\n", "    seeds: 1\n    raw_text: []\n"))
    plan = {study: {run.name: run for run in runs(planner(sparing))} for study, runs in STUDIES.items()}
    assert plan["transfer"]["multi-hyperx-seed1"].config.train == {"pos": ["eng"], "ner": ["eng"]}
    texts = [plan["mlm"][f"mixed-1-{system}-seed1"].config.train.get("mlm") for system in
             ("hyperx-mlm-all", "hyperx-mlm-unseen", "hyperx")]  # fmt: skip
    assert texts == ["all", ["swa", "yor"], None]
    assert {run.setting for run in plan["sources"].values()} == {"mixed-1", "mixed-2", "swapped-1", "swapped-2"}


def test_mad_x_by_another_name(benchmark: Path) -> None:
    path = benchmark.with_name("renamed.yaml")
    path.write_text(benchmark.read_text().replace("madx: {", "stacks: {"))
    runs = {run.name: run for run in STUDIES["transfer"](planner(path))}
    assert runs["multi-stacks-seed1"].needs == LANGUAGE_ADAPTERS
    assert runs[LANGUAGE_ADAPTERS].config.method.name == "madx"
    chosen = of_methods(STUDIES["efficiency"](planner(path)), ["stacks"])
    assert [run.name for run in chosen] == [LANGUAGE_ADAPTERS, "mixed-1-stacks-seed1", "mixed-2-stacks-seed1"]


def test_a_method_has_its_variants_and_what_they_need(benchmark: Path) -> None:
    mlm, few = planner(benchmark).mlm(), planner(benchmark).few_shot()
    assert of_methods(mlm, ["hyperx"]) == mlm
    assert {run.system for run in of_methods(mlm, ["hyperx-mlm-none"])} == {"hyperx-mlm-none"}
    assert [run.name for run in of_methods(few, ["madx"])][:2] == [LANGUAGE_ADAPTERS, "multi-madx-seed1"]
    assert {run.system for run in of_methods(few, ["madx"])} == {"madx"}
    with pytest.raises(HyperXError, match="no run of hyprx, psf; give --method one of hyperx, hyperx-mlm-unseen, "):
        of_methods(mlm, ["hyperx", "hyprx", "psf"])


def test_the_shipped_benchmarks_are_the_run_configurations(data: Path) -> None:
    from hyperx.config import load_run_config

    for name, folder in (("afrimix", data), ("paper", None)):
        described = load_benchmark(name, folder)
        for number in (1, 2):
            config = load_run_config(f"configs/{name}-mixed-{number}.yaml")
            train = {task: set(languages) for task, languages in config.train.items() if task != "mlm"}
            assert {task: set(languages) for task, languages in described.mixed(number).items()} == train
            assert described.backbone == config.backbone


def invoke(benchmark: Path, folder: Path, *arguments: str) -> str:
    where = ["--runs", str(folder / "runs"), "--results", str(folder / "results")]
    result = CliRunner().invoke(app, [*arguments, "--benchmark", str(benchmark), *where])
    assert result.exit_code == 0, result.output
    return result.output


def test_a_study_from_the_command_line(benchmark: Path, tmp_path: Path) -> None:
    text = benchmark.read_text().replace("families:", "partitions: [{pos: [sw], ner: [yor]}]\nfamilies:")
    benchmark = benchmark.with_name("small.yaml")
    benchmark.write_text(
        "".join(line for line in text.splitlines(True) if "finetune" not in line and "psf" not in line)
    )
    invoke(benchmark, tmp_path, "study", "efficiency", "--jobs", "2")
    folder = tmp_path / "results" / "tiny-small"
    names = {LANGUAGE_ADAPTERS, "mixed-1-hyperx-seed1", "mixed-1-madx-seed1"}
    assert {path.name for path in folder.iterdir()} == names | {"report", "report.html", "report.md"}
    assert "`mixed-1-hyperx-mlm-none-seed1`" in (folder / "report.md").read_text()  # of the studies that were not run
    row = Results.load(folder / "mixed-1-madx-seed1").row("pos", "yor")
    assert row is not None
    assert not row.trained
    assert (folder / "mixed-1-madx-seed1" / "cost.json").exists()
    # Figures alone are enough: what they are of need not be there any more.
    shutil.rmtree(tmp_path / "runs")
    assert invoke(benchmark, tmp_path, "study", "efficiency").count("starts") == 0
    assert "3 of 3 runs are finished" in invoke(benchmark, tmp_path, "study", "efficiency", "--plan")
    assert "1 of 6 runs are finished" in invoke(benchmark, tmp_path, "study", "mlm", "--plan")
    # What is left to run needs the model of one that is finished.
    shutil.rmtree(folder / "mixed-1-madx-seed1")
    assert "1 of 3 runs are finished" in invoke(benchmark, tmp_path, "study", "efficiency", "--plan")
    invoke(benchmark, tmp_path, "study", "efficiency")
    # The same where all but its model is there.
    adapters = tmp_path / "runs" / "tiny-small" / LANGUAGE_ADAPTERS
    mixed = adapters.with_name("mixed-1-madx-seed1")
    for part in (adapters / "model", adapters / "checkpoints", folder / mixed.name, mixed):
        shutil.rmtree(part)
    invoke(benchmark, tmp_path, "study", "efficiency")
    assert (adapters / "model").is_dir()


def wait_until(condition: Callable[[], object]) -> None:
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("it took more than two minutes")


def test_a_stopped_study_goes_on_where_it_was(benchmark: Path, tmp_path: Path) -> None:
    run = tmp_path / "runs" / "tiny-long" / "mixed-1-hyperx-seed1"

    def study(log: Path) -> subprocess.Popen[bytes]:
        where = ["--benchmark", str(benchmark), "--runs", str(tmp_path / "runs"), "--results", str(tmp_path)]
        command = [sys.executable, "-m", "hyperx", "study", "sources", "--scale", "long", *where]
        with log.open("wb") as stderr:
            return subprocess.Popen(command, start_new_session=True, stderr=stderr, env=os.environ | {"COLUMNS": "300"})

    killed = study(tmp_path / "1.log")
    wait_until(lambda: list(run.glob("checkpoints/*/trainer_state.json")))
    killed.kill()  # and not the process that trains
    killed.wait()
    second = study(tmp_path / "2.log")
    try:
        wait_until(lambda: "mixed-1-hyperx-seed1 waits for another" in (tmp_path / "2.log").read_text())
        result = CliRunner().invoke(app, ["train", str(run / "planned.yaml"), "--resume"])
        assert f"another process trains in {run}" in str(result.exception)
    finally:
        os.killpg(killed.pid, signal.SIGKILL)
    wait_until(lambda: "mixed-1-hyperx-seed1 goes on" in (tmp_path / "2.log").read_text())
    second.terminate()
    assert second.wait() == 130
    with pytest.raises(ProcessLookupError):  # what it started has ended with it
        os.killpg(second.pid, 0)
    assert "The same command goes on" in (tmp_path / "2.log").read_text()


def test_few_labelled_sentences_are_planned(benchmark: Path) -> None:
    runs = {run.name: run for run in planner(benchmark).few_shot()}
    few = {name: run for name, run in runs.items() if run.setting == "few-shot"}
    assert {name for name in runs if name not in few} == {LANGUAGE_ADAPTERS, "multi-hyperx-seed1", "multi-madx-seed1"}
    assert len(few) == 2 * 2 * 2 * 2
    run = few["few-shot-madx-ner-yor-4-draw2"]
    assert (run.needs, run.group, run.seed) == ("multi-madx-seed1", "few-shot-madx-ner-yor", 2)
    assert (run.config.training.steps, run.config.training.learning_rate) == (3, 0.02)
    assert (run.config.data[0].max_sentences, run.config.data[0].draw) == (4, 2)


def test_few_sentences_for_the_model_that_learnt_from_raw_text(benchmark: Path) -> None:
    def change(method: str, raw_text: str) -> Planner:
        path = benchmark.with_name("raw.yaml")
        text = benchmark.read_text().replace(f"{method}: {{steps", f"{method}: {{raw_text: true, steps")
        path.write_text(text.replace("    seeds: 1\n", f"    seeds: 1\n    raw_text: {raw_text}\n"))
        return planner(path)

    for raw_text, start in (("[]", "multi-hyperx-mlm-all-seed1"), ("[hyperx]", "multi-hyperx-seed1")):
        few = [run for run in change("hyperx", raw_text).few_shot() if run.name.startswith("few-shot-hyperx-pos-yor")]
        assert {run.system for run in few} == {"hyperx"}
        assert {run.needs for run in few} == {start}
        assert {Path(str(run.config.start)).name for run in few} == {start}
    with pytest.raises(HyperXError, match=r"few_shot.methods.madx' has 'raw_text', which is for hyperx"):
        change("madx", "[]")


@pytest.fixture(scope="module")
def few_shot(benchmark: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """Hyper-X's few-shot runs for one cell, one of them of more sentences than there are, with the trained start."""
    path = benchmark.with_name("few.yaml")
    path.write_text(benchmark.read_text().replace("sizes: [2, 4]", "sizes: [2, 4, 40]"))
    runs = planner(path, tmp_path_factory.mktemp("few") / "runs" / "tiny-small").few_shot()
    source = next(run for run in runs if run.name == "multi-hyperx-seed1")
    train(source.config)
    return [source, *(run for run in runs if run.group == "few-shot-hyperx-pos-yor")]


def test_one_of_many_runs_in_a_process_is_what_it_is_alone(few_shot: list[Run], tmp_path: Path) -> None:
    configs = [run.config for run in few_shot[1:5]]
    train_group(configs)
    results = Results.load(configs[3].folder)
    assert [(row.pair, row.trained) for row in results.rows] == [(Pair("pos", "yor"), True)]
    assert Cost.load(configs[3].folder / "cost.json").examples == {"pos": 4 * 4}
    _, alone = train(configs[3].model_copy(update={"output": tmp_path}))
    assert (alone.counts["pos/yor"] == results.counts["pos/yor"]).all()
    assert alone.step == results.step == 4


def test_a_group_goes_on_where_it_was_and_names_what_it_cannot_do(few_shot: list[Run], tmp_path: Path) -> None:
    train_group([few_shot[1].config])
    before = (few_shot[1].config.folder / "results.json").stat().st_mtime_ns
    shutil.rmtree(few_shot[4].config.folder, ignore_errors=True)
    said: list[str] = []
    failed = Runner(few_shot, results=tmp_path, tell=said.append).run()
    assert [run.name for run in failed] == [f"few-shot-hyperx-pos-yor-40-draw{draw}" for draw in (1, 2)]
    assert said[0] == "few-shot-hyperx-pos-yor starts"
    assert (few_shot[1].config.folder / "results.json").stat().st_mtime_ns == before
    assert {path.name for path in tmp_path.iterdir()} == {run.name for run in few_shot[:5]}
    log = (few_shot[1].config.folder.parent / "few-shot-hyperx-pos-yor.log").read_text()
    assert "takes 40 sentences of pos/yor, which has 6 besides its test set" in log
    assert "Traceback" not in log


def test_what_another_process_trains_is_waited_for(few_shot: list[Run], tmp_path: Path) -> None:
    run, group = few_shot[0], few_shot[1:3]
    results = run.config.folder / "results.json"
    results.rename(results.with_name("meanwhile"))
    said: list[str] = []
    other = replace(run, config=run.config.model_copy(update={"name": "other", "output": tmp_path / "other"}))
    runner = Runner([run, other], results=tmp_path, tell=said.append)
    with alone_in(run.config.folder):
        with pytest.raises(HyperXError, match=r"another process trains in .*multi-hyperx-seed1"):
            train_group([run.config for run in (*group, run)])
        for _ in range(2):
            runner._start()
        assert said == ["multi-hyperx-seed1 waits for another process that trains it"]
        assert not runner.running  # its place is taken
        late = Runner([run], results=tmp_path, tell=said.append)
        late.running, late.waiting = {run: subprocess.Popen([sys.executable, "-c", "raise SystemExit(1)"])}, []
        late.running[run].wait()
        late._collect()
        assert late.waiting == [run]
        assert not late.failed
        results.with_name("meanwhile").rename(results)
    runner.waiting.remove(other)
    assert runner.run() == []
    assert said[1].startswith("multi-hyperx-seed1 is done: ")
    assert (tmp_path / run.name / "results.json").exists()


def test_what_is_kept_says_what_it_is_of_on_any_machine(few_shot: list[Run], tmp_path: Path) -> None:
    run = few_shot[0]
    assert Runner([run], results=tmp_path).run() == []
    noted = tmp_path / run.name / "config.yaml"
    assert "train: pos-eng.txt" in noted.read_text()
    assert str(run.config.folder.parents[2]) not in noted.read_text()
    path = Path(run.config.backbone).parent / "few.yaml"
    moved = Planner(load_benchmark(str(path), Path("/other/data")), "small", Path("/other/runs"))
    assert not Runner([moved.run("multi", "hyperx")], results=tmp_path).waiting
    here = {run.name: run for run in planner(path).few_shot()}
    for other in moved.few_shot():
        assert not changes(portable(other.config), portable(here[other.name].config))
    training = run.config.training.model_copy(update={"steps": 9, "batch_size": 8})
    changed = replace(run, config=run.config.model_copy(update={"training": training}))
    for results, folder in ((tmp_path, tmp_path / run.name), (tmp_path / "none", run.config.folder)):
        with pytest.raises(HyperXError) as error:
            Runner([changed], results=results)
        assert f"of {run.name} in {folder} are of other settings (training.steps was 6, now it is 9; " in str(
            error.value
        )
        assert "training.batch_size was 4, now it is 8)" in str(error.value)
    noted.unlink()  # as of what was kept before settings were
    assert not Runner([changed], results=tmp_path).waiting


def test_a_study_leaves_a_runs_settings_for_it_to_compare(few_shot: list[Run], tmp_path: Path) -> None:
    folder = tmp_path / few_shot[0].name
    shutil.copytree(few_shot[0].config.folder, folder)
    (folder / "results.json").rename(folder / "log")
    before = (folder / "config.yaml").read_text()
    changed = few_shot[0].config.model_copy(update={"output": folder, "seed": 7})
    runner = Runner([replace(few_shot[0], config=changed)], results=tmp_path / "results")
    (folder / "log").rename(folder / "results.json")
    shutil.rmtree(folder / "checkpoints")
    assert runner.run() == runner.runs
    assert "seed was 1, now it is 7" in (folder / "output.log").read_text()
    assert (folder / "config.yaml").read_text() == before


def test_figures_are_whole_or_not_there(few_shot: list[Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, copy = few_shot[0], shutil.copy2
    for name in KEPT[1:]:

        def stopped(source: Path, target: Path, name: str = name) -> None:
            copy(source, target)
            if source.name == name:
                os.truncate(target, 20)
                raise KeyboardInterrupt

        monkeypatch.setattr(shutil, "copy2", stopped)
        with pytest.raises(KeyboardInterrupt):
            Runner([run], results=tmp_path).run()
        assert not (tmp_path / run.name / name).exists()
        assert not (tmp_path / run.name / "results.json").exists()
    monkeypatch.undo()
    assert Runner([run], results=tmp_path).run() == []
    assert Results.load(tmp_path / run.name).rows == Results.load(run.config.folder).rows
    assert {path.name for path in (tmp_path / run.name).iterdir()} == set(KEPT)


def test_a_plan_writes_nothing(few_shot: list[Run]) -> None:
    runs = few_shot[0].config.folder.parents[1]
    before = {path: path.stat().st_mtime_ns for path in runs.rglob("*")}
    benchmark = Path(few_shot[0].config.backbone).parent / "few.yaml"
    assert "runs are finished, about " in invoke(benchmark, runs.parent, "study", "few-shot", "--plan")
    assert {path: path.stat().st_mtime_ns for path in runs.rglob("*")} == before
    assert not (runs.parent / "results").exists()


def test_a_plan_says_what_is_hidden_where(benchmark: Path, tmp_path: Path) -> None:
    plan = invoke(benchmark, tmp_path, "study", "sources", "--plan").splitlines()
    rows = [line.split() for line in plan[2:5]]
    assert rows[0] == ["family", "language", "mixed-1", "mixed-2", "swapped-1", "swapped-2"]
    first, second = sorted(("ner", "pos"), reverse=rows[1][2] == "pos")
    assert rows[1:] == [["one", "swa", first, second, second, first], ["two", "yor", second, first, first, second]]


def test_fewer_sentences_of_a_draw_are_among_more() -> None:
    sentences = [Sentence((str(number),)) for number in range(30)]
    entry = CorpusEntry(corpus="starter", max_sentences=20, draw=3)
    many, few = take(entry, sentences), take(entry.model_copy(update={"max_sentences": 5}), sentences)
    assert many[:5] == few
    assert len(set(many)) == 20
    assert take(entry.model_copy(update={"draw": 4, "max_sentences": 5}), sentences) != few
    assert take(entry.model_copy(update={"draw": None}), sentences) == sentences[:20]


def test_a_failed_run_is_named_and_what_needs_it_left_out(benchmark: Path, tmp_path: Path) -> None:
    runs = [run for run in STUDIES["efficiency"](planner(benchmark, tmp_path / "runs")) if run.system == "madx"][:2]
    runs[0].config.train["mlm"] = ["zul"]
    said: list[str] = []
    failed = Runner(runs, results=tmp_path / "results", tell=said.append).run()
    assert failed == runs
    assert "language-adapters failed" in said[1]
    assert "needs language-adapters" in said[2]
    assert "zul" in (runs[0].config.folder / "output.log").read_text()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  hyperx:", "  ours:", "'methods': .*hyperx, which the studies are about, is not among ours, finetune, madx"),
        ("  finetune:", "  small:", "small: a name of Hyper-X in another size or recipe"),
        ("swaps:", "swap:", "unknown key 'swap' .did you mean 'swaps'"),
        ("[[sw, yor]]", "[[sw, hau]]", "'swaps' names hau, which no family holds"),
        ("two: [yo]", "two: [xx1]", "xx1"),
        ("    seeds: 1\n", "    raw_text: [madx]\n", "'scales.small.raw_text' names madx, which is none of hyperx"),
        ("languages: [yo]", "languages: [wol]", r"'scales.small.few_shot.languages' names wol, which no family holds"),
        ("madx: {steps", "psf: {steps", "'scales.small.few_shot.methods' names psf"),
    ],
)
def test_a_wrong_benchmark_is_one_clear_error(
    benchmark: Path, tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(benchmark.read_text().replace(old, new))
    with pytest.raises(HyperXError, match=message):
        load_benchmark(str(path))


def test_what_a_study_does_not_know(benchmark: Path) -> None:
    for arguments, message in (
        (["study", "nonsense", "--benchmark", str(benchmark)], "there is no study 'nonsense'; give one of transfer"),
        (
            ["study", "mlm", "--benchmark", str(benchmark), "--method", "hyperx", "--method", "psf"],
            "no run of psf; give --method one of hyperx",
        ),
        (["study", "mlm", "--benchmark", str(benchmark), "--scale", "huge"], "no scale 'huge'; it has small, long"),
        (
            ["study", "few-shot", "--benchmark", str(benchmark), "--scale", "long"],
            "says nothing of the study 'few-shot'",
        ),
        (["study", "mlm", "--benchmark", "nowhere"], "no benchmark 'nowhere'; give a YAML file, or one of afrimix"),
        (
            ["study", "mlm", "--benchmark", "afrimix"],
            "needs --data, the folder that its corpora lie in: masakhane-pos, ",
        ),
    ):
        result = CliRunner().invoke(app, arguments)
        assert isinstance(result.exception, HyperXError)
        assert message in str(result.exception)
