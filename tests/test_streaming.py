"""Streams: from folders laid out like data sets on the Hub."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import PreTrainedTokenizerFast
from typer.testing import CliRunner

from conftest import ENCODERS, TAGS, WORDS, columns
from distributed_worker import Interrupt
from hyperx.cli.app import app
from hyperx.collator import PairCollator
from hyperx.config import load_run_config
from hyperx.cost import Cost
from hyperx.data.hub import open_stream, row_sentences
from hyperx.distributed import Share
from hyperx.errors import HyperXError
from hyperx.pairs import Pair
from hyperx.run import train
from hyperx.sampler import PairBatchSampler
from hyperx.streaming import StreamedExamples
from hyperx.tasks import Example, build_task

FILES, ROWS = 3, 40
PAIR = Pair("mlm", "yor")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of three files in each of two formats; each row is told by its number of repetitions."""
    folder = tmp_path_factory.mktemp("corpus")
    from datasets import Dataset

    (folder / "parquet" / "data").mkdir(parents=True)
    (folder / "jsonl").mkdir()
    for file in range(FILES):
        rows = [{"text": text(file * ROWS + number)} for number in range(ROWS)]
        name = f"train-{file:05d}-of-{FILES:05d}"
        Dataset.from_list(rows).to_parquet(folder / "parquet" / "data" / f"{name}.parquet")
        (folder / "jsonl" / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    return folder


def text(number: int) -> str:
    """Two lines, the second too long for one example, and an empty one."""
    return f"{WORDS[number % 7]} {'cat ' * (number % 11)}\n\n" + " ".join([WORDS[number % 5]] * (number % 3 * 13 + 1))


@pytest.fixture
def stream(corpus: Path, tokenizer: PreTrainedTokenizerFast):
    def make(kind: str = "jsonl", batch_size: int = 8, buffer: int = 40) -> StreamedExamples:
        def encode(rows: Sequence[dict]) -> list[Example]:
            sentences = [sentence for row in rows for sentence in row_sentences(row, "here")]
            return list(build_task("mlm").encode(sentences, tokenizer, max_length=24))

        dataset = open_stream(str(corpus / kind), None, "train")
        return StreamedExamples(kind, dataset, encode, size=1, batch_size=batch_size, buffer=buffer, seed=(1, 2))

    return make


def batch(stream: StreamedExamples, draw: int, rows: range = range(8)) -> list[Example]:
    return [example for _, examples, own in stream.parts(draw, rows) for example in examples[own.start : own.stop]]


def pieces(examples: Sequence[Example]) -> Counter[tuple[int, ...]]:
    return Counter(tuple(example.input_ids) for example in examples)


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_a_reader_gives_every_example_of_its_files_once_a_pass(stream, kind: str) -> None:
    streamed = stream(kind)
    assert [len(rows) for rows in streamed.rows] == [2, 3, 3]
    for reader in streamed.readers:
        files = pieces(streamed.encode(list(reader.open())))
        given: Counter[tuple[int, ...]] = Counter()
        draw = 0
        while given.total() + reader.num_rows <= 2 * files.total():
            given += pieces(reader.batch(draw))
            draw += 1
        # Blocks follow the files' order, so that after two passes but for less than a block all were given twice.
        missing = files + files - given
        assert missing.total() < reader.num_rows * reader.num_batches
        assert max((given - files - files).values(), default=0) <= 2


def test_batches_are_of_like_length_and_shuffled(stream) -> None:
    streamed = stream()
    lengths = [[len(example.input_ids) for example in batch(streamed, draw)] for draw in range(20)]
    assert sum(map(sum, lengths)) / sum(8 * max(row) for row in lengths) > 0.8
    means = [sum(row) / 8 for row in lengths[:5]]
    assert means != sorted(means)


def test_processes_open_what_is_theirs_and_share_what_one_has(stream) -> None:
    whole = [batch(stream(), draw) for draw in range(12)]
    for count in (2, 3, 5):
        own = [stream() for _ in range(count)]
        rows = [Share(1, process, count).rows(8) for process in range(count)]
        for draw in range(12):
            assert [e for s, r in zip(own, rows, strict=True) for e in batch(s, draw, r)] == whole[draw]
    assert [sorted(s.state()) for s in own] == [["0"], ["0", "1"], ["1"], ["1", "2"], ["2"]]


def test_positions_lead_where_reading_all_would(stream) -> None:
    first = stream()
    whole = [batch(first, draw) for draw in range(31)]
    state = json.loads(json.dumps(first.state()))
    resumed, anew = stream(), stream()
    resumed.restore(state)
    opened = []
    resumed.readers[0].open, real = lambda: opened.append(1) or real(), resumed.readers[0].open
    assert batch(resumed, 30) == batch(anew, 30) == whole[30]
    assert len(opened) == 1
    assert batch(resumed, 0) == whole[0]  # what is behind is read again


def test_masks_do_not_depend_on_the_number_of_processes(stream, tokenizer: PreTrainedTokenizerFast) -> None:
    sampler = PairBatchSampler({}, batch_size=8, num_batches=6, streams={PAIR: 100})

    def collate(process: int, processes: int) -> list[dict]:
        share = Share(1, process, processes)
        collator = PairCollator({PAIR: stream()}, {"mlm": build_task("mlm")}, tokenizer, seed=1, share=share)
        return [collator(keys) for keys in sampler]

    for one, *parts in zip(collate(0, 1), collate(0, 2), collate(1, 2), strict=True):
        assert one["num_labels"] == sum(part["num_labels"] for part in parts)
        for key in ("input_ids", "labels"):
            rows = [part[key][part["attention_mask"] == 1] for part in parts]
            assert torch.equal(one[key][one["attention_mask"] == 1], torch.cat(rows))


@pytest.fixture(scope="module")
def yaml(corpus: Path, tokenizer: PreTrainedTokenizerFast) -> Path:
    torch.manual_seed(0)
    ENCODERS["bert"]().save_pretrained(corpus / "backbone")
    tokenizer.save_pretrained(corpus / "backbone")
    pos = columns(corpus / "pos.txt", TAGS, 30)
    path = corpus / "run.yaml"
    path.write_text(f"""
name: tiny
backbone: {corpus / "backbone"}
method: {{name: hyperx, bottleneck: 8, projection_size: 4}}
data:
  - {{task: pos, language: eng, train: {pos}, dev: {pos}, test: {pos}}}
  - {{hub: {corpus / "parquet"}, task: mlm, language: yor, streaming: true, sentences: 500, buffer: 16}}
  - {{hub: json, files: "{corpus / "jsonl"}/*.jsonl", task: mlm, language: swa, streaming: true, sentences: 500}}
train: {{pos: [eng], mlm: all}}
training: {{steps: 20, batch_size: 8, eval_steps: 5, max_length: 24, dev_sentences: 5}}
""")
    return path


def test_a_run_on_streams_resumes_as_if_it_had_not_stopped(yaml: Path, tmp_path: Path) -> None:
    train(load_run_config(yaml, [f"output={tmp_path / 'whole'}"]))
    config = load_run_config(yaml, [f"output={tmp_path / 'resumed'}"])
    with pytest.raises(KeyboardInterrupt):
        train(config, callbacks=[Interrupt(12)])
    state = json.loads((config.folder / "checkpoints" / "checkpoint-10" / "streams.json").read_text())
    assert set(state) == {"mlm/yor", "mlm/swa"}
    assert any(block for block, *_ in state["mlm/yor"].values())
    train(config, resume=True)
    whole, resumed = (
        load_file(folder / "checkpoints" / "checkpoint-20" / "model.safetensors")
        for folder in (tmp_path / "whole", config.folder)
    )
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    cost = Cost.load(config.folder / "cost.json")
    assert cost.examples["mlm"] >= 80
    assert cost.examples["mlm"] % 8 == 0
    assert 0 < cost.pieces < 160 * 24
    trained = json.loads((config.folder / "model" / "config.json").read_text())["trained"]
    assert trained == ["pos/eng", "mlm/yor", "mlm/swa"]


def test_a_plan_reads_no_stream(yaml: Path) -> None:
    result = CliRunner().invoke(app, ["train", str(yaml), "--plan", "--json"])
    assert result.exit_code == 0, result.output
    pairs = {pair["pair"]: pair for pair in json.loads(result.stdout)["pairs"]}
    assert pairs["mlm/yor"]["sentences"] == 500
    assert pairs["mlm/yor"]["probability"] == pytest.approx(500**0.2 / (2 * 500**0.2 + 30**0.2))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("task: mlm, language: yor, streaming: true", "its number of 'sentences'"),
        (
            "task: mlm, language: yor, streaming: true, sentences: 5, max_sentences: 5",
            "leave 'max_sentences' and 'draw' out",
        ),
        ("task: pos, language: yor, streaming: true, sentences: 5", "pos/yor can't be streamed"),
        ("task: mlm, language: yor, streaming: true, sentences: 5, train: nothing", "can't be loaded"),
    ],
)
def test_mistakes_are_clear_errors(corpus: Path, yaml: Path, tmp_path: Path, entry: str, message: str) -> None:
    data = f"data=[{{hub: {corpus / 'jsonl'}, {entry}}}]"
    train_key = "train={pos: all}" if "pos" in entry else "train={mlm: all}"
    with pytest.raises(HyperXError, match=message):
        train(load_run_config(yaml, [data, train_key, f"output={tmp_path / 'run'}"]))


def test_a_stream_that_breaks_off_or_holds_nothing(stream, corpus: Path, tmp_path: Path) -> None:
    broken = stream()
    broken.readers[0].encode = lambda rows: []
    with pytest.raises(HyperXError, match="jsonl: its files hold no text"):
        batch(broken, 0)
    other = stream()
    other.readers[1].open = lambda: (_ for _ in ()).throw(ConnectionError("reset by peer"))
    with pytest.raises(HyperXError, match="the stream of jsonl broke off: reset by peer; go on with --resume"):
        batch(other, 0)
