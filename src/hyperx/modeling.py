"""The model: a frozen backbone, a method that adapts it to a pair, and a head a task."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.constants import DEFAULT_REVISION
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, RevisionNotFoundError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from hyperx.adapter import Adapters, pick
from hyperx.backbone import Backbone, load_backbone, load_tokenizer
from hyperx.data.sentence import Sentence
from hyperx.disk import write_whole
from hyperx.errors import HyperXError, first_line
from hyperx.expectation import Expectation, expect
from hyperx.languages import name as language_name
from hyperx.languages import normalize, seen_by
from hyperx.methods import MatrixShape, MethodConfig, build_method
from hyperx.pairs import Pair
from hyperx.permissions import share_tensors
from hyperx.precision import best_device, best_dtype
from hyperx.tagging import Tagger
from hyperx.tasks import Task, build_task
from hyperx.text.tagger import TextTagger
from hyperx.untrusted import own_file, read_json, read_tensors

FORMAT_VERSION = 2
CONFIG_NAME = "config.json"
WEIGHTS_NAME = "model.safetensors"
CARD_NAME = "README.md"
MAX_CARD = 1_000_000  # bytes
MAX_LANGUAGES, MAX_TASKS, MAX_LABELS = 10_000, 1_000, 100_000

Label = Annotated[str, Field(min_length=1)]


class ModelConfig(BaseModel):
    """A saved model's ``config.json``.

    Attributes:
        format_version: of the model folder.
        backbone, revision: what `load_backbone` takes.
        method: the method and its sizes.
        tasks: each task's labels.
        kinds: of a run's own tasks.
        languages: the matrix's languages, in the order of their embeddings.
        trained: the pairs whose labels were seen, and the languages' raw text as ``mlm/swa``.
        max_length: pieces in a chunk at most.
        temperatures: by task, what its logits are divided by before they are read as probabilities.
        scores: by pair, what the cell scored on its test set and the ends of its 95 % interval, in percent.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    format_version: int = FORMAT_VERSION
    backbone: str
    revision: str | None = None
    method: MethodConfig = Field(discriminator="name")
    tasks: dict[str, Annotated[list[Label], Field(max_length=MAX_LABELS)]] = Field(max_length=MAX_TASKS)
    kinds: dict[str, str] = {}
    languages: list[str] = Field(max_length=MAX_LANGUAGES)
    trained: list[str] = []
    max_length: int = Field(256, ge=8, le=8192)
    temperatures: dict[str, Annotated[float, Field(gt=0)]] = {}
    scores: dict[str, tuple[float, float, float]] = {}

    def save(self, folder: Path) -> None:
        """Write a model folder's config.json."""
        write_whole(folder / CONFIG_NAME, self.model_dump_json(indent=2) + "\n")


class HyperX(nn.Module):
    """A tagger for every cell of the task-language matrix.

    Args:
        config: what the model is made of.
        backbone: the encoder; loaded by its name unless given.
        tokenizer: the encoder's; loaded by its name unless given.

    Attributes:
        card: the model card, where the model was loaded with one.

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
        tasks = {name: build_task(name, labels, config.kinds) for name, labels in config.tasks.items()}
        self.model_config = config
        self.card: str | None = None
        self.backbone = backbone or load_backbone(config.backbone, revision=config.revision)
        self.tokenizer = tokenizer or load_tokenizer(config.backbone, revision=config.revision)
        self.tasks: dict[str, Task] = tasks
        self._task_numbers = {name: number for number, name in enumerate(config.tasks)}
        self._language_numbers = {language: number for number, language in enumerate(config.languages)}
        shape = MatrixShape(
            num_labels=tuple(task.num_logits for task in self.tasks.values()),
            num_languages=len(config.languages),
            num_layers=self.backbone.num_layers,
            hidden_size=self.backbone.hidden_size,
            auxiliary=frozenset(number for number, task in enumerate(self.tasks.values()) if task.auxiliary),
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
                f"it knows {', '.join(self._language_numbers)}; hyperx adapt adds others"
            )
        return self._task_numbers[pair.task], self._language_numbers[pair.language]

    def tagging_task(self, name: str) -> Task:
        """Return a task that annotates sentences.

        Raises:
            HyperXError: the model has no such task, or it tags nothing.
        """
        if name not in self.tasks:
            raise HyperXError(f"this model has no task '{name}'; it has {', '.join(self.tasks)}")
        task = self.tasks[name]
        if task.auxiliary:
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
            One tag a word, or one label of a task that labels sentences.

        Raises:
            HyperXError: the pair is outside the model's matrix, the task tags nothing, or a string is no list of sentences.
        """
        if isinstance(sentences, str):
            raise HyperXError(
                "expected a list of sentences, each a list of words, found one string; "
                "model.tagger(task, language)(text) tags text"
            )
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
            HyperXError: names, shapes or types don't fit this model.
        """
        if "mlm" in self.heads and "heads.mlm.candidates" in state:
            candidates = state["heads.mlm.candidates"]
            known = self.backbone.word_embeddings().num_embeddings
            if (
                candidates.ndim != 1
                or candidates.is_floating_point()
                or not ((candidates >= 0) & (candidates < known)).all()
            ):
                raise HyperXError("the saved weights don't fit the backbone: heads.mlm.candidates are not its pieces")
            self.heads["mlm"].restrict(candidates, torch.ones(len(candidates)))  # type: ignore[operator]
        own = self.trained_state()
        wrong = sorted(set(own) ^ set(state)) or sorted(
            name
            for name, tensor in own.items()
            if tensor.shape != state[name].shape or tensor.is_floating_point() != state[name].is_floating_point()
        )
        if wrong:
            raise HyperXError(f"the saved weights don't fit the model's configuration: {', '.join(wrong[:5])}")
        with torch.no_grad():
            for name, tensor in own.items():
                tensor.copy_(state[name])

    def save_pretrained(self, folder: str | Path) -> None:
        """Write config.json, model.safetensors (what was trained, not the backbone), the tokenizer and the card, if any."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.model_config.save(folder)
        state = {name: tensor.cpu().contiguous() for name, tensor in self.trained_state().items()}
        save_file(state, folder / WEIGHTS_NAME, metadata={"format": "pt"})
        share_tensors(folder)
        self.tokenizer.save_pretrained(folder)
        if self.card is not None:
            (folder / CARD_NAME).write_text(self.card, encoding="utf-8")

    def push_to_hub(self, repo: str, *, private: bool = False, token: str | None = None) -> str:
        """Upload the model with its card to the Hugging Face Hub, from where `from_pretrained(repo)` loads it.

        Args:
            repo: ``owner/name``; created unless it is there.
            private: whether a new repository is.
            token: with write permission; that of the environment or of ``hf auth login`` unless given.

        Returns:
            The repository's address.

        Raises:
            HyperXError: the Hub can't be reached or refuses, or the backbone is a folder of this machine.
        """
        from hyperx.hub import push

        return push(self, repo, private=private, token=token)

    @classmethod
    def from_pretrained(
        cls,
        name: str | Path,
        *,
        revision: str | None = None,
        dtype: torch.dtype | None = None,
        device: str | torch.device | None = None,
    ) -> "HyperX":
        """Load a saved model from a folder (a model's, or a run's, whose best model is taken) or from the Hub.

        Args:
            name: the folder, or the Hub's ``owner/name`` or ``owner/name@revision``.
            revision: a branch, tag or commit on the Hub, the newest of the main branch unless given.
            dtype: what the backbone computes in; what the hardware is fastest in, unless given.
            device: where it computes; on the GPU where there is one, unless given.

        Raises:
            HyperXError: it can't be found, or is not a Hyper-X model that this version can read.
        """
        folder = model_folder(name, revision)
        config = read_config(folder)
        state = read_tensors(folder, WEIGHTS_NAME)
        backbone = load_backbone(config.backbone, revision=config.revision)
        tokenizer = load_tokenizer(config.backbone, revision=config.revision)
        check_fit(config, backbone, tokenizer)
        with torch.device("meta"):  # a configuration may ask for any amount of memory: it gets that of its weights
            cls(config, backbone, tokenizer).load_trained_state(state)
        model = cls(config, backbone, tokenizer)
        model.load_trained_state(state)
        if broken := [name for name, tensor in model.trained_state().items() if not tensor.isfinite().all()]:
            raise HyperXError(
                f"{folder / WEIGHTS_NAME} has weights that are no numbers, in {', '.join(broken[:5])}; train the model again"
            )
        model.to(device or best_device())
        model.backbone.compute_in(dtype or best_dtype(model.device))
        if (folder / CARD_NAME).exists():
            model.card = own_file(folder, CARD_NAME, MAX_CARD).read_text(encoding="utf-8", errors="replace")
        return model.eval()


def check_fit(config: ModelConfig, backbone: Backbone, tokenizer: PreTrainedTokenizerBase) -> None:
    """Check that the backbone has an embedding for every piece and every place in a chunk.

    Raises:
        HyperXError: it has not.
    """
    known = backbone.word_embeddings().num_embeddings
    if max(tokenizer.get_vocab().values(), default=0) >= known:
        raise HyperXError(f"the tokenizer of '{config.backbone}' has pieces that its {known:,} word embeddings lack")
    check_length(config, backbone)


def check_length(config: ModelConfig, backbone: Backbone) -> None:
    """Check that the backbone has an embedding for every place in a chunk.

    Raises:
        HyperXError: it has not.
    """
    if backbone.max_length is not None and config.max_length > backbone.max_length:
        raise HyperXError(
            f"the model's max_length is {config.max_length}, but '{config.backbone}' reads {backbone.max_length} pieces at most"
        )


def read_config(folder: Path) -> ModelConfig:
    """Read a model folder's configuration.

    Raises:
        HyperXError: there is none, it is broken, or of a newer version.
    """
    path = folder / CONFIG_NAME
    values = read_json(folder, CONFIG_NAME)
    version = values.get("format_version") if isinstance(values, dict) else None
    if version == 1:
        values = _from_version_1(values)
    elif version != FORMAT_VERSION:
        raise HyperXError(
            f"{path}: format_version is {version!r}, expected {FORMAT_VERSION} at most. "
            "It is not a Hyper-X model, or a newer version of hyperx-nlp wrote it: upgrade."
        )
    try:
        return ModelConfig.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise HyperXError(f"{path}: {where}: {first['msg']}") from error


def _from_version_1(values: dict[str, Any]) -> dict[str, Any]:
    """Say what went without saying: adapters read the block's output alone."""
    method = values.get("method")
    if isinstance(method, dict) and method.get("name") in ("hyperx", "single"):
        method = {**method, "norm_first": False}
    return {**values, "method": method, "format_version": FORMAT_VERSION}


def _in_folder(folder: Path) -> Path:
    """Return where a folder has its model: it is one, or a run's."""
    if (folder / "model" / CONFIG_NAME).exists():
        return folder / "model"
    if not (folder / CONFIG_NAME).exists():
        from hyperx.config import RUN_CONFIG_NAME  # not at the start, which it would slow

        if (config := folder / RUN_CONFIG_NAME).exists():
            raise HyperXError(
                f"the run in {folder} has no model yet; train it to its end with "
                f"hyperx train {config} --output {folder} --resume"
            )
    return folder


def model_folder(name: str | Path, revision: str | None) -> Path:
    """Return the folder of a saved model, a run's best or one from the Hub.

    Args:
        name, revision: as in `HyperX.from_pretrained`.

    Raises:
        HyperXError: it can't be found, or not be read.
    """
    path = Path(name)
    try:
        if path.is_dir():
            return _in_folder(path)
        there = path.exists()
    except PermissionError as error:
        raise HyperXError(
            f"this process's user may not read {error.filename}; chmod -R a+rX '{name}' lets every user"
        ) from error
    repo, at, pinned = str(name).partition("@")
    if there or repo.startswith((".", "/", "~")) or repo.count("/") > 1 or (at and not pinned):
        raise HyperXError(
            f"there is no model folder '{name}'; give the folder of a run or a saved model, or a Hub id, "
            "owner/name or owner/name@revision"
        )
    try:
        revision = revision or pinned or DEFAULT_REVISION
        patterns = [CONFIG_NAME, WEIGHTS_NAME, CARD_NAME]
        return Path(snapshot_download(repo, revision=revision, allow_patterns=patterns))
    except RevisionNotFoundError as error:
        raise HyperXError(
            f"the Hub's model '{repo}' has no revision '{revision}'; give one of its branches, tags or commits"
        ) from error
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        raise HyperXError(
            f"there is no folder '{name}', and it can't be had from the Hub: {first_line(error)}"
        ) from error
