"""Training: one-pair batches through `transformers.Trainer`, scored on the trained pairs' dev sets."""

import json
from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from hyperx.cache import lengths
from hyperx.collator import PairCollator, PairDataset
from hyperx.config import TrainingConfig
from hyperx.cost import Stopwatch
from hyperx.data.sentence import Sentence
from hyperx.distributed import Share, gather, num_processes, process_index, spread
from hyperx.dropout import Dropout
from hyperx.errors import HyperXError
from hyperx.modeling import WEIGHTS_NAME, HyperX
from hyperx.pairs import Pair
from hyperx.sampler import PairBatchSampler, ShareSampler
from hyperx.scoring import score_pair
from hyperx.streaming import StreamedExamples
from hyperx.tasks import Example

SELECTION_METRIC = "eval_score"
STREAMS_NAME = "streams.json"


class HyperXTrainer(Trainer):
    """Trains a model's method, heads and LayerNorms, in one process or in several that train the same.

    Args:
        model: what to train.
        examples: each trained pair's encoded sentences; auxiliary tasks' too.
        streams: those of the pairs whose sentences are read while training.
        dev: each trained pair's dev sentences; their mean score chooses the best checkpoint. Without any, it is the last.
        config: how to train.
        folder: where checkpoints and logs go.
        seed: of the order of batches, masks and dropout.
        checkpoints: whether to write them; seconds of training need none.
    """

    def __init__(
        self,
        model: HyperX,
        *,
        examples: Mapping[Pair, Sequence[Example]],
        dev: Mapping[Pair, Sequence[Sentence]],
        config: TrainingConfig,
        folder: Path,
        seed: int,
        streams: Mapping[Pair, StreamedExamples] | None = None,
        callbacks: Sequence[TrainerCallback] = (),
        checkpoints: bool = True,
    ) -> None:
        self.config = config
        self.hyperx = model
        self.dev = {pair: rows for pair in dev if (rows := list(dev[pair])[: config.dev_sentences])}
        self.share = Share(config.pairs_per_step, process_index(), num_processes())
        if config.batch_size < num_processes():
            raise HyperXError(
                f"'training.batch_size' is {config.batch_size}, too few sentences for {num_processes()} processes"
            )
        self.streams = dict(streams or {})
        self.sampler = PairBatchSampler(
            {pair: lengths(values) for pair, values in examples.items()},
            batch_size=config.batch_size // config.pairs_per_step,
            num_batches=config.steps * config.pairs_per_step,
            streams={pair: stream.size for pair, stream in self.streams.items()},
            temperature=config.temperature,
            auxiliary_share=config.auxiliary_share,
            seed=seed,
        )
        super().__init__(
            model=model,
            args=training_arguments(
                model, config, self.share, folder=folder, seed=seed, select=bool(self.dev), checkpoints=checkpoints
            ),
            train_dataset=PairDataset(),
            eval_dataset=PairDataset(),  # `evaluate` scores `dev`; the Trainer asks for something all the same
            data_collator=PairCollator(
                {**examples, **self.streams}, model.tasks, model.tokenizer, seed=seed, share=self.share
            ),
            callbacks=[Stopwatch(), *callbacks],
        )
        self.remove_callback(PrinterCallback)

    @property
    def seconds(self) -> float:
        """Spent on steps so far."""
        return next(c.seconds for c in self.callback_handler.callbacks if isinstance(c, Stopwatch))

    def get_train_dataloader(self) -> DataLoader[Any]:
        batches = ShareSampler(self.sampler, self.share)
        return DataLoader(PairDataset(), batch_sampler=batches, collate_fn=self.data_collator)

    def compute_loss(self, model: nn.Module, inputs: dict[str, Any], *_: Any, **__: Any) -> Tensor:
        """Return the mean loss over the process's labels, scaled such that the processes' mean is the batch's."""
        number, num_labels = inputs.pop("number"), inputs.pop("num_labels")
        # What is random in a batch depends on the seed and its number alone, as its rows and masks do.
        torch.manual_seed(self.args.seed * 1_000_003 + number)
        if self.share.splits == 1:
            return model(**inputs)["loss"]
        counts = self.accelerator.gather(torch.tensor([num_labels], device=self.args.device))
        counts = counts.view(-1, self.share.splits)[self.share.process // self.share.splits]
        before, total = int(counts[: self.share.part].sum()), int(counts.sum())
        for module in self.hyperx.modules():
            if isinstance(module, Dropout):
                module.share = (before, total) if num_labels else None
        return model(**inputs)["loss"] * (num_labels * self.share.splits / total)

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        if self.optimizer is None:
            groups = parameter_groups(self.hyperx, self.args.learning_rate)
            self.optimizer = torch.optim.AdamW(groups, weight_decay=self.args.weight_decay, fused=True)
        return self.optimizer

    def evaluate(self, *_: Any, metric_key_prefix: str = "eval", **__: Any) -> dict[str, float]:
        """Score every trained pair's dev set; ``eval_score`` is their mean."""
        scored = spread(list(self.dev.items()), lambda item: score_pair(self.hyperx, *item).score)
        scores = dict(zip(map(str, self.dev), scored, strict=True))
        metrics = {f"{metric_key_prefix}_{pair}": score for pair, score in scores.items()}
        if scores:
            metrics[SELECTION_METRIC] = sum(scores.values()) / len(scores)
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    # A checkpoint holds what is trained, for the backbone never changes; no random state, for none outlives a batch;
    # and where streams are, so that a resumed run need not read all that lies before.

    def _save_rng_state(self, output_dir: str) -> None:
        states = gather({str(pair): stream.state() for pair, stream in self.streams.items()})
        merged = {str(pair): {k: v for state in states for k, v in state[str(pair)].items()} for pair in self.streams}
        if merged and self.args.should_save:
            (Path(output_dir) / STREAMS_NAME).write_text(json.dumps(merged), encoding="utf-8")

    def _load_rng_state(self, checkpoint: str | None) -> None:
        pass

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Tensor] | None = None) -> None:
        folder = Path(output_dir or str(self.args.output_dir))
        folder.mkdir(parents=True, exist_ok=True)
        state = {name: tensor.cpu().contiguous() for name, tensor in self.hyperx.trained_state().items()}
        save_file(state, folder / WEIGHTS_NAME)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        folder = Path(resume_from_checkpoint)
        self.hyperx.load_trained_state(load_file(folder / WEIGHTS_NAME))
        if self.streams and (folder / STREAMS_NAME).is_file():
            states = json.loads((folder / STREAMS_NAME).read_text(encoding="utf-8"))
            for pair, stream in self.streams.items():
                stream.restore(states.get(str(pair), {}))

    def _load_best_model(self) -> None:
        self._load_from_checkpoint(str(self.state.best_model_checkpoint))


def parameter_groups(model: HyperX, learning_rate: float) -> list[dict[str, Any]]:
    """Group the trained parameters by learning rate: `learning_rate`, but where the method has one of their own."""
    groups: dict[float, list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            own = (rate for pattern, rate in model.method.learning_rates.items() if fnmatch(name, pattern))
            groups.setdefault(next(own, learning_rate), []).append(parameter)
    return [{"params": parameters, "lr": rate} for rate, parameters in groups.items()]


def training_arguments(
    model: HyperX,
    config: TrainingConfig,
    share: Share,
    *,
    folder: Path,
    seed: int,
    select: bool,
    checkpoints: bool,
) -> TrainingArguments:
    """Translate a run's training section; `select` keeps the checkpoint with the best dev score."""
    warmup = model.method.warmup_ratio if config.warmup_ratio is None else config.warmup_ratio
    eval_steps = min(config.eval_steps, config.steps)
    return TrainingArguments(
        output_dir=str(folder / "checkpoints"),
        max_steps=config.steps,
        gradient_accumulation_steps=len(share.batches),
        ddp_find_unused_parameters=True,  # a batch of one pair leaves the other tasks' heads alone
        ddp_broadcast_buffers=False,
        learning_rate=config.learning_rate or model.method.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=int(warmup * config.steps),
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_grad_norm,
        eval_strategy="steps" if select else "no",
        eval_steps=eval_steps,
        save_strategy="steps" if checkpoints else "no",
        save_steps=eval_steps,
        save_total_limit=2,
        load_best_model_at_end=select,
        metric_for_best_model=SELECTION_METRIC if select else None,
        greater_is_better=True if select else None,
        logging_steps=min(50, eval_steps),  # so that a loss stands beside every dev score
        report_to=config.report_to,
        restore_callback_states_from_checkpoint=True,
        remove_unused_columns=False,
        disable_tqdm=True,
        bf16=model.backbone.dtype == torch.bfloat16,
        use_cpu=model.device.type == "cpu" and not torch.cuda.is_available(),
        seed=seed,
        data_seed=seed,
        label_names=["labels"],
    )
