"""The model: a frozen backbone, a method that adapts it to a pair, and a head a task."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from hyperx.adapter import Adapters, pick
from hyperx.backbone import Backbone, load_backbone, load_tokenizer
from hyperx.data.sentence import Sentence
from hyperx.errors import HyperXError
from hyperx.expectation import Expectation, expect
from hyperx.languages import name as language_name
from hyperx.languages import normalize, seen_by
from hyperx.methods import MatrixShape, MethodConfig, build_method
from hyperx.pairs import Pair
from hyperx.precision import best_dtype
from hyperx.tagging import Tagger
from hyperx.tasks import TASKS, Task, build_task
from hyperx.tasks.tagging import TaggingTask
from hyperx.text.tagger import TextTagger

FORMAT_VERSION = 1
CONFIG_NAME = "config.json"
WEIGHTS_NAME = "model.safetensors"


class ModelConfig(BaseModel):
    """A saved model's ``config.json``.

    Attributes:
        format_version: of the model folder.
        backbone, revision: what `load_backbone` takes.
        method: the method and its sizes.
        tasks: each task's labels.
        languages: the matrix's languages, in the order of their embeddings.
        trained: the pairs whose labels were seen, and the languages' raw text as ``mlm/swa``.
        max_length: pieces in a chunk at most.
        temperatures: by task, what its logits are divided by before they are read as probabilities.
        scores: by pair, what the cell scored on its test set and the ends of its 95 % interval, in percent.
    """

    model_config = ConfigDict(extra="forbid")
    format_version: int = FORMAT_VERSION
    backbone: str
    revision: str | None = None
    method: MethodConfig = Field(discriminator="name")
    tasks: dict[str, list[str]]
    languages: list[str]
    trained: list[str] = []
    max_length: int = Field(256, ge=8, le=8192)
    temperatures: dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = {}
    scores: dict[str, tuple[float, float, float]] = {}

    def save(self, folder: Path) -> None:
        """Write a model folder's config.json."""
        (folder / CONFIG_NAME).write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")


class HyperX(nn.Module):
    """A tagger for every cell of the task-language matrix.

    Args:
        config: what the model is made of.
        backbone: the encoder; loaded by its name unless given.
        tokenizer: the encoder's; loaded by its name unless given.

    Raises:
        HyperXError: the backbone can't be loaded, or the configuration names an unknown task.
    """

    def __init__(
        self,
        config: ModelConfig,
        backbone: Backbone | None = None,
        tokenizer: PreTrainedTokenizerBase | None = None,
    ) -> None:
        super().__init__()
        unknown = set(config.tasks) - set(TASKS)
        if unknown:
            raise HyperXError(f"unknown task {', '.join(sorted(unknown))}; known are {', '.join(TASKS)}")
        self.model_config = config
        self.backbone = backbone or load_backbone(config.backbone, revision=config.revision)
        self.tokenizer = tokenizer or load_tokenizer(config.backbone, revision=config.revision)
        self.tasks: dict[str, Task] = {name: build_task(name, labels) for name, labels in config.tasks.items()}
        self._task_numbers = {name: number for number, name in enumerate(config.tasks)}
        self._language_numbers = {language: number for number, language in enumerate(config.languages)}
        shape = MatrixShape(
            num_labels=tuple(len(task.labels) for task in self.tasks.values()),
            num_languages=len(config.languages),
            num_layers=self.backbone.num_layers,
            hidden_size=self.backbone.hidden_size,
        )
        self.method = build_method(config.method, shape)
        self.heads = nn.ModuleDict(
            {name: task.head(self.backbone.encoder, self.backbone.config) for name, task in self.tasks.items()}
        )
        self.backbone_parameters = self.method.backbone_parameters(self.backbone)
        for parameter in self.backbone_parameters.values():
            parameter.requires_grad_(True)

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    def adapters(self, pairs: Sequence[Pair]) -> Adapters | None:
        """Return the adapters: one pair's for the whole batch, each one's of equal groups of rows, or a row's each.

        None for a method without them.

        Raises:
            HyperXError: a pair is outside the model's matrix.
        """
        distinct = list(dict.fromkeys(pairs))
        tasks, languages = zip(*(self._numbers(pair) for pair in distinct), strict=True)
        weights = self.method(torch.tensor(tasks, device=self.device), torch.tensor(languages, device=self.device))
        if weights is None:
            return None
        if len(distinct) == 1:  # a plain matrix product over all the batch's tokens, without a batch dimension
            return pick(weights, 0)
        if list(pairs) == [pair for pair in distinct for _ in range(len(pairs) // len(distinct))]:
            return weights  # each serves as many rows, one after another
        numbers = {pair: number for number, pair in enumerate(distinct)}
        return pick(weights, torch.tensor([numbers[pair] for pair in pairs], device=self.device))

    def head(self, pair: Pair) -> tuple[Callable[[Tensor], Tensor], Tensor | None]:
        """Return a pair's head, which gives hidden states their logits, and what training adds to the loss.

        Raises:
            HyperXError: the pair is outside the model's matrix.
        """
        task, language = (torch.tensor(number, device=self.device) for number in self._numbers(pair))
        return self.method.head(task, language, self.heads[pair.task])

    def _numbers(self, pair: Pair) -> tuple[int, int]:
        if pair.language not in self._language_numbers:
            raise HyperXError(
                f"this model was not trained with the language '{pair.language}' ({language_name(pair.language)}); "
                f"it knows {', '.join(self._language_numbers)}"
            )
        return self._task_numbers[pair.task], self._language_numbers[pair.language]

    def tagging_task(self, name: str) -> TaggingTask:
        """Return a task that tags words.

        Raises:
            HyperXError: the model has no such task, or it tags nothing.
        """
        if name not in self.tasks:
            raise HyperXError(f"this model has no task '{name}'; it has {', '.join(self.tasks)}")
        task = self.tasks[name]
        if not isinstance(task, TaggingTask):
            raise HyperXError(f"the task '{name}' tags nothing; choose one that does")
        return task

    def encode(self, pairs: Sequence[Pair], input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Return the adapted backbone's hidden states.

        Shapes:
            pairs: one for all rows, or one a row.
            input_ids, attention_mask: ``(batch, length)``
            result: ``(batch, length, hidden)``
        """
        with self.backbone.autocast():  # the adapters are written in what they are multiplied in
            adapters = self.adapters(pairs)
        return self.backbone(adapters, input_ids=input_ids, attention_mask=attention_mask)

    def forward(self, pair: Pair, input_ids: Tensor, attention_mask: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the loss of a batch of one pair, as ``transformers.Trainer`` expects it.

        Shapes:
            input_ids, attention_mask, labels: ``(batch, length)``
        """
        hidden = self.encode([pair], input_ids, attention_mask)
        head, penalty = self.head(pair)
        loss = self.tasks[pair.task].loss(head, hidden, labels)
        return {"loss": loss if penalty is None else loss + penalty}

    def tag(
        self,
        sentences: Iterable[str | Sequence[str]],
        *,
        task: str,
        language: str,
        batch_size: int = 32,
    ) -> list[list[str]]:
        """Tag sentences in one cell of the matrix.

        Args:
            sentences: each a list of words, or a string whose words are separated by white space.
            task, language: the pair; the language by any ISO 639 code.

        Returns:
            One tag a word.

        Raises:
            HyperXError: the pair is outside the model's matrix, or the task tags nothing.
        """
        words = [sentence.split() if isinstance(sentence, str) else list(sentence) for sentence in sentences]
        tagger = Tagger(self, Pair(task, normalize(language)), batch_size=batch_size)
        return tagger.tag([Sentence(tuple(sentence)) for sentence in words])

    def tagger(self, task: str | Sequence[str], language: str, *, batch_size: int = 32) -> TextTagger:
        """Return a tagger of text, raw or in words, that also says where tags stand and how sure they are.

        Args:
            task: one, or several to be tagged together.
            language: by any ISO 639 code.
            batch_size: sentences that the backbone reads at once.

        Raises:
            HyperXError: a pair is outside the model's matrix, or a task tags nothing.
        """
        return TextTagger(self, task, language, batch_size=batch_size)

    def expected_score(self, task: str, language: str) -> Expectation:
        """Return what a cell scored on its test set, or what it can be expected to where it has none.

        Raises:
            HyperXError: the pair is outside the model's matrix, or the task tags nothing.
        """
        pair = Pair(self.tagging_task(task).name, normalize(language))
        self._numbers(pair)
        seen = seen_by(self.model_config.backbone)
        return expect(pair, self.model_config.scores, trained=self.model_config.trained, seen=seen)

    def trained_parameters(self) -> dict[str, int]:
        """Return how many parameters are trained, by part."""
        parts = {
            "method": self.method.parameters(),
            "backbone": self.backbone_parameters.values(),
            **{f"{name}_head": head.parameters() for name, head in self.heads.items()},
        }
        trained = {part: [p for p in parameters if p.requires_grad] for part, parameters in parts.items()}
        return {part: sum(parameter.numel() for parameter in parameters) for part, parameters in trained.items()}

    def trained_state(self) -> dict[str, Tensor]:
        """Return what training changes, by name: the method, the heads and what is trained of the backbone."""
        return {
            **{f"method.{name}": tensor for name, tensor in self.method.state_dict().items()},
            **{f"heads.{name}": tensor for name, tensor in self.heads.state_dict().items()},
            **{f"backbone.{name}": tensor.detach() for name, tensor in self.backbone_parameters.items()},
        }

    def load_trained_state(self, state: dict[str, Tensor]) -> None:
        """Take over what `trained_state` returned.

        Raises:
            HyperXError: names or shapes don't fit this model.
        """
        if "mlm" in self.heads and "heads.mlm.candidates" in state:
            candidates = state["heads.mlm.candidates"]
            self.heads["mlm"].restrict(candidates, torch.ones(len(candidates)))  # type: ignore[operator]
        own = self.trained_state()
        wrong = sorted(set(own) ^ set(state)) or sorted(name for name in own if own[name].shape != state[name].shape)
        if wrong:
            raise HyperXError(f"the saved weights don't fit the model's configuration: {', '.join(wrong[:5])}")
        with torch.no_grad():
            for name, tensor in own.items():
                tensor.copy_(state[name])

    def save_pretrained(self, folder: str | Path) -> None:
        """Write config.json, model.safetensors (what was trained, not the backbone) and the tokenizer."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.model_config.save(folder)
        state = {name: tensor.cpu().contiguous() for name, tensor in self.trained_state().items()}
        save_file(state, folder / WEIGHTS_NAME, metadata={"format": "pt"})
        self.tokenizer.save_pretrained(folder)

    @classmethod
    def from_pretrained(
        cls, name: str | Path, *, revision: str | None = None, dtype: torch.dtype | None = None
    ) -> "HyperX":
        """Load a saved model from a folder (a model's, or a run's, whose best model is taken) or from the Hub.

        Args:
            dtype: what the backbone computes in; what the hardware is fastest in, unless given.

        Raises:
            HyperXError: it can't be found, or is not a Hyper-X model that this version can read.
        """
        folder = model_folder(name, revision)
        model = cls(read_config(folder))
        try:
            state = load_file(folder / WEIGHTS_NAME)
        except (OSError, SafetensorError) as error:
            raise HyperXError(f"{folder / WEIGHTS_NAME} can't be read ({error}); copy the model again") from error
        model.load_trained_state(state)
        model.backbone.compute_in(dtype or best_dtype(model.device))
        return model.eval()


def read_config(folder: Path) -> ModelConfig:
    """Read a model folder's configuration.

    Raises:
        HyperXError: there is none, it is broken, or of a newer version.
    """
    path = folder / CONFIG_NAME
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise HyperXError(f"{path} can't be read ({error}); expected the folder of a saved Hyper-X model") from error
    version = values.get("format_version") if isinstance(values, dict) else None
    if version != FORMAT_VERSION:
        raise HyperXError(
            f"{path}: format_version is {version!r}, expected {FORMAT_VERSION}. "
            "It is not a Hyper-X model, or a newer version of hyperx-nlp wrote it: upgrade."
        )
    try:
        return ModelConfig.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise HyperXError(f"{path}: {where}: {first['msg']}") from error


def model_folder(name: str | Path, revision: str | None) -> Path:
    """Return the folder of a saved model, a run's best or one from the Hub.

    Raises:
        HyperXError: it can't be found.
    """
    path = Path(name)
    if path.is_dir():
        return path / "model" if (path / "model" / CONFIG_NAME).exists() else path
    if path.exists() or str(name).startswith((".", "/", "~")) or str(name).count("/") > 1:
        raise HyperXError(f"there is no model folder '{name}'; give the folder of a run or a saved model, or a Hub id")
    try:
        patterns = [CONFIG_NAME, WEIGHTS_NAME]
        return Path(snapshot_download(str(name), revision=revision, allow_patterns=patterns))
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise HyperXError(f"there is no folder '{name}', and it can't be had from the Hub: {reason}") from error
