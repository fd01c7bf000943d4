"""Trains a group of short runs in one process: ``python -m hyperx.study.few_shot CONFIG...``."""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

from transformers import set_seed

from hyperx.config import RunConfig, load_run_config
from hyperx.cost import measure
from hyperx.dataset import RunData, available_pairs, load_data, take
from hyperx.errors import HyperXError
from hyperx.evaluation import evaluate
from hyperx.lock import alone_in
from hyperx.modeling import HyperX
from hyperx.results import RESULTS_NAME
from hyperx.run import build_model, device_name, encode_all, majority_tags, prepare_folder
from hyperx.trainer import HyperXTrainer


def train_group(configs: Sequence[RunConfig], *, data: RunData | None = None) -> None:
    """Train runs of the same pairs and start on different sentences, and keep their figures, not their models.

    The data, the backbone and the model to start from are loaded once. Finished runs are skipped.

    Args:
        data: all sentences of the pairs; loaded unless given.

    Raises:
        HyperXError: the data or the model can't be used, or another process trains one of the runs.
    """
    with ExitStack() as held:
        for config in configs:
            held.enter_context(alone_in(config.folder))
        left = [config for config in configs if not (config.folder / RESULTS_NAME).exists()]
        if left:
            _train_all(left, load_data(_with_all_sentences(left[0])) if data is None else data)


def _train_all(configs: Sequence[RunConfig], data: RunData) -> None:
    model = build_model(configs[0], data)
    start = {name: tensor.clone() for name, tensor in model.trained_state().items()}
    for config in configs:
        model.load_trained_state(start)
        _train(config, model, _few(config, data))


def _with_all_sentences(config: RunConfig) -> RunConfig:
    whole = [entry.model_copy(update={"max_sentences": None, "draw": None}) for entry in config.data]
    return config.model_copy(update={"data": whole})


def _few(config: RunConfig, data: RunData) -> RunData:
    entries = available_pairs(config)
    few = {pair: take(entries[pair], sentences) for pair, sentences in data.train.items()}
    for pair, sentences in few.items():
        if pair not in data.test or len(sentences) < (entries[pair].max_sentences or 0):
            at_hand = len(data.train[pair]) if pair in data.test else 0
            raise HyperXError(
                f"{config.name} takes {entries[pair].max_sentences} sentences of {pair}, which has {at_hand} besides its "
                "test set; leave the language or the size out under 'few_shot'"
            )
    return replace(data, train=few)


def _train(config: RunConfig, model: HyperX, data: RunData) -> None:
    folder = prepare_folder(config, resume=True)
    set_seed(config.seed)
    trainer = HyperXTrainer(
        model,
        examples=encode_all(model, data, lambda doing: None),
        dev={},
        config=config.training,
        folder=folder,
        seed=config.seed,
        checkpoints=False,
    )
    trainer.train()
    measure(model, trainer.sampler, stopwatch=trainer.stopwatch, device=device_name()).save(folder / "cost.json")
    results = evaluate(
        model, data.test, run=config.name, seed=config.seed, majority=majority_tags(data), step=config.training.steps
    )
    results.save(folder / RESULTS_NAME)
    print(f"{config.name}: {', '.join(f'{row.pair} {row.score:.1f}' for row in results.rows)}", flush=True)


if __name__ == "__main__":
    try:
        train_group([load_run_config(path) for path in sys.argv[1:]])
    except HyperXError as error:
        sys.exit(f"Error: {error}")
