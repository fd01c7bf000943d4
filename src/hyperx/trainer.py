"""Training: one-pair batches through `transformers.Trainer`, scored on the trained pairs' dev sets."""

import json
import shutil
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.integrations.integration_utils import get_available_reporting_integrations
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_callback import ExportableState
from transformers.trainer_utils import rotate_checkpoints

from hyperx.cache import lengths
from hyperx.checkpoint import damage, new_checkpoint
from hyperx.collator import PairCollator, PairDataset
from hyperx.config import RUN_CONFIG_NAME, TrainingConfig
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
CHECKPOINTS = 2  # that are kept: the newest, and the best or the one before


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
            callbacks=[Stopwatch(), LossBesideScore(), *callbacks],
        )
        self.remove_callback(PrinterCallback)

    @property
    def stopwatch(self) -> Stopwatch:
        """Of the steps so far."""
        return next(c for c in self.callback_handler.callbacks if isinstance(c, Stopwatch))

    def get_train_dataloader(self) -> DataLoader[Any]:
        batches = ShareSampler(self.sampler, self.share)
        return DataLoader(PairDataset(), batch_sampler=batches, collate_fn=self.data_collator)

    def compute_loss(self, model: nn.Module, inputs: dict[str, Any], *_: Any, **__: Any) -> Tensor:
        """Return the mean loss over the process's labels, scaled such that the processes' mean is the batch's."""
        number, num_labels = inputs.pop("number"), inputs.pop("num_labels")
        # What is random in a batch depends on the seed and its number alone, as its rows and masks do.
        torch.manual_seed(self.args.seed * 1_000_003 + number)
        if self.share.splits == 1:
            return self._finite(model(**inputs)["loss"], inputs["pair"])
        counts = self.accelerator.gather(torch.tensor([num_labels], device=self.args.device))
        counts = counts.view(-1, self.share.splits)[self.share.process // self.share.splits]
        before, total = int(counts[: self.share.part].sum()), int(counts.sum())
        for module in self.hyperx.modules():
            if isinstance(module, Dropout):
                module.share = (before, total) if num_labels else None
        return self._finite(model(**inputs)["loss"], inputs["pair"]) * (num_labels * self.share.splits / total)

    def _finite(self, loss: Tensor, pair: Pair) -> Tensor:
        """Return the loss.

        Raises:
            HyperXError: it is no finite number, for training has diverged.
        """
        if not loss.isfinite():
            raise self._diverged(f"at step {self.state.global_step + 1}, of {pair}, the loss is {loss.item()}")
        return loss

    def _diverged(self, what: str) -> HyperXError:
        """Return the error of training that has diverged, with what lowers each part's rate."""
        names = [name for name, parameter in self.hyperx.named_parameters() if parameter.requires_grad]
        told = [
            f"training diverged: {what}. Train anew with a smaller 'training.learning_rate' (hyperx adapt: --learning-rate)"
        ]
        if own := [
            pattern for pattern in self.hyperx.method.learning_rates if any(fnmatch(name, pattern) for name in names)
        ]:
            told.append(
                f"the rates of {', '.join(own)} are the recipe's own, and a larger 'training.warmup_ratio' slows them"
            )
        if self.args.save_strategy != "no":
            told.append(f"give another --output, for the checkpoints in {self.args.output_dir} are from before it")
        return HyperXError("; ".join(told))

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

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        folder = Path(str(self.args.output_dir)) / f"checkpoint-{self.state.global_step}"
        if broken := [name for name, tensor in self.hyperx.trained_state().items() if not tensor.isfinite().all()]:
            raise self._diverged(
                f"at step {self.state.global_step} the weights are no finite numbers, in {', '.join(broken[:5])}"
            )
        if self.state.best_global_step:
            self.state.best_model_checkpoint = str(folder.with_name(f"checkpoint-{self.state.best_global_step}"))
        with new_checkpoint(folder) if self.args.should_save else nullcontext(folder) as unfinished:
            self.save_model(str(unfinished), _internal_call=True)
            self._save_optimizer_and_scheduler(str(unfinished))
            self._save_streams(unfinished)
            if self.args.should_save:
                described = folder.parent.with_name(RUN_CONFIG_NAME)
                if described.is_file():  # what a resumed run has to agree with
                    shutil.copyfile(described, unfinished / RUN_CONFIG_NAME)
                states: Any = self.state.stateful_callbacks
                for part in (*self.callback_handler.callbacks, self.control):
                    if isinstance(part, ExportableState):
                        states[type(part).__name__] = part.state()
                self.state.save_to_json(str(unfinished / TRAINER_STATE_NAME))
        if self.args.should_save:
            rotate_checkpoints(
                str(folder.parent), CHECKPOINTS, best_model_checkpoint=self.state.best_model_checkpoint, use_mtime=True
            )

    def _save_streams(self, folder: Path) -> None:
        states = gather({str(pair): stream.state() for pair, stream in self.streams.items()})
        merged = {str(pair): {k: v for state in states for k, v in state[str(pair)].items()} for pair in self.streams}
        if merged and self.args.should_save:
            (folder / STREAMS_NAME).write_text(json.dumps(merged), encoding="utf-8")

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
        best = Path(str(self.args.output_dir)) / f"checkpoint-{self.state.best_global_step}"
        if problem := damage(best):
            raise HyperXError(f"{best} has the best dev score, but {problem}; remove {best.parent} and train again")
        self._load_from_checkpoint(str(best))


class LossBesideScore(TrainerCallback):
    """Logs the loss with every dev score, so that no mean goes over the steps on both sides of a checkpoint."""

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> TrainerControl:
        control.should_log |= control.should_evaluate or control.should_save
        return control


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
    """Translate a run's training section; `select` keeps the checkpoint with the best dev score.

    Raises:
        HyperXError: there is no `report_to`.
    """
    at_hand = ["none", "all", *get_available_reporting_integrations()]
    if config.report_to not in at_hand:
        raise HyperXError(
            f"'training.report_to' is '{config.report_to}', which is not installed or not known; choose {', '.join(at_hand)}"
        )
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
        load_best_model_at_end=select,
        metric_for_best_model=SELECTION_METRIC if select else None,
        greater_is_better=True if select else None,
        logging_steps=50,
        logging_nan_inf_filter=False,
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
