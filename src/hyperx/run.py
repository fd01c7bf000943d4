"""A run: from a configuration to a folder with a model, its results and their pictures."""

import json
import logging
import platform
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import torch
from transformers import TrainerCallback, set_seed

from hyperx.cache import PackedExamples, encode_text, lengths, piece_counts
from hyperx.calibration import fit_temperatures
from hyperx.checkpoint import newest
from hyperx.config import RUN_CONFIG_NAME, HubEntry, RunConfig, save_run_config
from hyperx.cost import measure
from hyperx.data.hub import open_stream, row_sentences
from hyperx.data.textfile import TextFile
from hyperx.dataset import RunData, load_data
from hyperx.disk import write_whole, writing
from hyperx.distributed import gather, is_main, num_processes, one_first, start
from hyperx.errors import HyperXError
from hyperx.evaluation import evaluate
from hyperx.language_adapters import take_language_adapters
from hyperx.lock import alone_in
from hyperx.model_card import model_card
from hyperx.modeling import CARD_NAME, HyperX, ModelConfig, check_fit, read_config
from hyperx.pairs import Pair
from hyperx.plan import check_method
from hyperx.precision import best_device, best_dtype
from hyperx.results import RESULTS_NAME, Results
from hyperx.resuming import check_folder
from hyperx.start import start_from
from hyperx.streaming import StreamedExamples
from hyperx.tasks import Example, build_task, is_auxiliary
from hyperx.trainer import HyperXTrainer

logger = logging.getLogger(__name__)

CACHED_BYTES = 1_000_000  # of raw text that is worth a place in the cache; less is encoded within a second
LIBRARIES = ("hyperx-nlp", "torch", "transformers", "accelerate", "tokenizers")


def train(
    config: RunConfig,
    *,
    data: RunData | None = None,
    resume: bool = False,
    callbacks: Sequence[TrainerCallback] = (),
    progress: Callable[[str], None] = lambda doing: None,
) -> tuple[HyperX, Results]:
    """Train a run, score its matrix, and write its folder; together with the other processes, where there are any.

    Args:
        data: the run's sentences; read as the configuration says, unless given.
        resume: go on from the folder's last checkpoint, as if the run had not stopped.
        callbacks: the Trainer's.
        progress: told what is being done before and after training.

    Raises:
        HyperXError: the data can't be used; the folder holds a run and `resume` is not set, or another process trains there.
    """
    start()
    with alone_in(config.folder) if is_main() else nullcontext():
        if is_main():
            prepare_folder(config, resume=resume)
        gather(None)  # the others wait, and end if it can't be
        return _train(config, data or load_data(config), resume=resume, callbacks=callbacks, progress=progress)


def _train(
    config: RunConfig,
    data: RunData,
    *,
    resume: bool,
    callbacks: Sequence[TrainerCallback],
    progress: Callable[[str], None],
) -> tuple[HyperX, Results]:
    folder = config.folder
    set_seed(config.seed)
    progress("Loading the backbone")
    with one_first():
        model = build_model(config, data)
    with one_first():
        examples = encode_all(model, data, progress)
    streams = {pair: open_examples(model, pair, entry, config) for pair, entry in data.streams.items()}
    restrict_vocabulary(model, examples, streams)
    dev = {pair: sentences for pair, sentences in data.dev.items() if pair in data.train}
    trainer = HyperXTrainer(
        model,
        examples=examples,
        streams=streams,
        dev=dev,
        config=config.training,
        folder=folder,
        seed=config.seed,
        callbacks=callbacks,
    )
    last = newest(folder / "checkpoints") if resume else None
    trainer.train(resume_from_checkpoint=None if last is None else str(last))
    progress("Calibrating")
    model.model_config.temperatures = fit_temperatures(model, dev)
    if is_main():
        cost = measure(
            model,
            trainer.sampler,
            streamed={
                pair: float(lengths(stream.sample).mean()) if stream.sample else 0.0
                for pair, stream in trainer.streams.items()
            },
            stopwatch=trainer.stopwatch,
            device=device_name(),
        )
        with writing(folder):
            # Not the summary at the end, which knows nothing of what was before a break; a checkpoint's rows are sorted.
            rows = [dict(sorted(row.items())) for row in trainer.state.log_history if "train_runtime" not in row]
            write_json(folder / "log.json", rows)
            cost.save(folder / "cost.json")
            model.save_pretrained(folder / "model")
    results = evaluate(
        model,
        data.test,
        run=config.name,
        seed=config.seed,
        majority=majority_tags(data),
        step=best_step(trainer),
        progress=progress,
    )
    if is_main():
        with writing(folder):
            note_scores(model, results, folder / "model")
            save_reports(folder, config, results)
    return model, results


def note_scores(model: HyperX, results: Results, folder: Path) -> None:
    """Write in a model's folder what its cells scored, which is what `HyperX.expected_score` knows."""
    scored = {str(row.pair): (row.score, row.low, row.high) for row in results.rows}
    model.model_config.scores = model.model_config.scores | scored
    model.model_config.save(folder)


def prepare_folder(config: RunConfig, *, resume: bool) -> Path:
    """Make the run's folder, and note there what it is made by.

    Raises:
        HyperXError: it holds a run and `resume` is not set, or one of other settings, or a finished one without checkpoints;
            it can't be written.
    """
    folder = config.folder
    check_folder(config, resume=resume)
    versions = {library: version(library) for library in LIBRARIES}
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        save_run_config(config, folder / RUN_CONFIG_NAME)
        write_json(
            folder / "environment.json",
            {"python": platform.python_version(), "machine": platform.machine(), "device": device_name(), **versions},
        )
    return folder


def device_name() -> str:
    """Return the accelerator's name, or the number of the processor's threads, and how many processes have one each."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU, {torch.get_num_threads()} threads"
    return device if num_processes() == 1 else f"{num_processes()} × {device}"


def build_model(config: RunConfig, data: RunData) -> HyperX:
    """Build the model for a run's matrix, with fresh weights or those of the model that it starts from.

    Raises:
        HyperXError: the method can't serve a cell that is to be scored; the model to start from can't be used; the backbone
            can't read chunks as long as `max_length`.
    """
    check_method(config.method, data)
    model_config = ModelConfig(
        backbone=config.backbone,
        revision=config.revision,
        method=config.method,
        tasks={task: build_task(task, kinds=data.kinds).find_labels(data.gold(task)) for task in data.tasks},
        kinds={task: kind for task, kind in data.kinds.items() if task in data.tasks},
        languages=data.languages,
        trained=[str(pair) for pair in data.trained],
        max_length=config.training.max_length,
    )
    model = HyperX(model_config).to(best_device()) if config.start is None else start_from(config.start, model_config)
    check_fit(model_config, model.backbone, model.tokenizer)
    take_language_adapters(model)
    model.backbone.compute_in(best_dtype(model.device))
    return model


def encode_all(model: HyperX, data: RunData, progress: Callable[[str], None]) -> dict[Pair, Sequence[Example]]:
    """Encode the training sentences; those of a large file of raw text once for all runs.

    Raises:
        HyperXError: nothing of a pair's raw text is in the backbone's vocabulary.
    """
    examples: dict[Pair, Sequence[Example]] = {}
    for pair, sentences in data.train.items():
        progress(f"Encoding {pair}")
        task, max_length = model.tasks[pair.task], model.model_config.max_length
        if isinstance(sentences, TextFile) and sentences.path.stat().st_size >= CACHED_BYTES:
            examples[pair] = encode_text(sentences, task, model.tokenizer, max_length=max_length)
        else:
            examples[pair] = list(task.encode(sentences, model.tokenizer, max_length=max_length))
        known = _count_sentences(examples[pair]) if is_auxiliary(pair.task) else len(sentences)
        if 0 < known < len(sentences):
            logger.warning(
                "%d of %d sentences of %s are passed over: the backbone's vocabulary has none of their characters",
                len(sentences) - known,
                len(sentences),
                pair,
            )
        if not known:
            raise HyperXError(
                f"the text of {pair} has no piece of the vocabulary of {model.model_config.backbone}; leave it out, or take "
                "another backbone"
            )
    return examples


def _count_sentences(examples: Sequence[Example]) -> int:
    """Return how many sentences the examples are of, which come in the order of these."""
    if isinstance(examples, PackedExamples):
        numbers = examples.arrays["sentences"]
    else:
        numbers = np.array([example.sentence for example in examples])
    return 1 + int(np.count_nonzero(np.diff(numbers))) if len(numbers) else 0


def open_examples(model: HyperX, pair: Pair, entry: HubEntry, config: RunConfig) -> StreamedExamples:
    """Open the stream of a pair's training sentences.

    Raises:
        HyperXError: it can't be had.
    """
    task, max_length = model.tasks[pair.task], model.model_config.max_length
    warned = False

    def encode(rows: Sequence[Mapping[str, Any]]) -> list[Example]:
        nonlocal warned
        sentences = [sentence for row in rows for sentence in row_sentences(row, entry.hub)]
        examples = list(task.encode(sentences, model.tokenizer, max_length=max_length))
        if not warned and _count_sentences(examples) < len(sentences):
            warned = True
            logger.warning("sentences of %s are passed over of whose characters the vocabulary has none", pair)
        return examples

    assert entry.train is not None
    assert entry.sentences is not None
    return StreamedExamples(
        f"{pair} ({entry.hub})",
        open_stream(entry.hub, entry.config, entry.train, revision=entry.revision, files=entry.files),
        encode,
        size=entry.sentences,
        batch_size=config.training.batch_size // config.training.pairs_per_step,
        buffer=entry.buffer,
        seed=(config.seed, crc32(str(pair).encode())),
    )


def restrict_vocabulary(
    model: HyperX,
    examples: Mapping[Pair, Sequence[Example]],
    streams: Mapping[Pair, StreamedExamples] | None = None,
) -> None:
    """Let masked language modelling predict among the pieces of the run's raw text; a stream may hold any.

    A head that has learnt, that of a model to start from, predicts what it did, too.
    """
    counts = np.zeros(model.backbone.word_embeddings().num_embeddings, dtype=np.int64)
    for pair, values in examples.items():
        if pair.task == "mlm":
            counts += piece_counts(values, len(counts))
    for stream in (streams or {}).values():
        counts += piece_counts(stream.sample, len(counts)) + 1
    if counts.any():
        pieces = counts.nonzero()[0]
        head: Any = model.heads["mlm"]
        learn = head.extend if head.bias.any() else head.restrict
        learn(torch.from_numpy(pieces), torch.from_numpy(counts[pieces]))


def majority_tags(data: RunData) -> dict[str, str]:
    """Return each task's most frequent tag in the training data: what to beat."""
    from collections import Counter

    counts: dict[str, Counter[str]] = {}
    for pair, sentences in data.train.items():
        for sentence in () if is_auxiliary(pair.task) else sentences:
            counts.setdefault(pair.task, Counter()).update(sentence.tags or ())
    return {task: counter.most_common(1)[0][0] for task, counter in counts.items() if counter}


def best_step(trainer: HyperXTrainer) -> int:
    """Return the step whose checkpoint was kept."""
    best = trainer.state.best_model_checkpoint
    return int(best.rsplit("-", 1)[1]) if best else trainer.state.global_step


def save_reports(folder: Path, config: RunConfig, results: Results) -> None:
    """Write the matrix's pictures, the model card and, last of a run's files, results.json."""
    from hyperx.matrix import save_html, save_png

    if results.rows:  # a run that trains language adapters alone has no cells
        save_png(results, folder / "matrix.png")
        save_html(results, folder / "matrix.html")
        card = model_card(read_config(folder / "model"), name=config.name, results=results, run=config)
        write_whole(folder / "model" / CARD_NAME, card)
    results.save(folder / RESULTS_NAME)


def write_json(path: Path, value: Any) -> None:
    write_whole(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")
