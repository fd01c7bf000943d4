"""Tiny models, built in the test."""

import io
import os
import re
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

# As the command line sets them before transformers is imported.
os.environ |= {"TRANSFORMERS_VERBOSITY": "error", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertModel,
    DebertaV2Config,
    DebertaV2Model,
    DistilBertConfig,
    DistilBertModel,
    ModernBertConfig,
    ModernBertModel,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaModel,
    XLMRobertaConfig,
    XLMRobertaModel,
)
from typer.testing import CliRunner

from hyperx.backbone import Backbone
from hyperx.cli.app import app
from hyperx.methods import HyperXConfig
from hyperx.modeling import HyperX, ModelConfig
from hyperx.pairs import Pair
from hyperx.tasks import build_task

SHAPE = {
    "vocab_size": 300,
    "hidden_size": 16,
    "num_attention_heads": 2,
    "num_hidden_layers": 3,
    "intermediate_size": 32,
}
ENCODERS: dict[str, Callable[[], PreTrainedModel]] = {
    "bert": lambda: BertModel(BertConfig(**SHAPE), add_pooling_layer=False),
    "deberta-v2": lambda: DebertaV2Model(
        DebertaV2Config(**SHAPE, relative_attention=True, pos_att_type=["p2c", "c2p"], position_buckets=8)
    ),
    "distilbert": lambda: DistilBertModel(
        DistilBertConfig(vocab_size=300, dim=16, n_heads=2, n_layers=3, hidden_dim=32)
    ),
    "modernbert": lambda: ModernBertModel(ModernBertConfig(**SHAPE, pad_token_id=0)),
    "roberta": lambda: RobertaModel(RobertaConfig(**SHAPE, pad_token_id=0), add_pooling_layer=False),
    "xlm-roberta": lambda: XLMRobertaModel(XLMRobertaConfig(**SHAPE, pad_token_id=0), add_pooling_layer=False),
}
WORDS = ["the", "cat", "saw", "a", "small", "dog", "near", "Paris", "and", "Amina", "Yusuf", "ran", "home", "."]
WORDS += ["mbwa", "anakimbia", "nyumbani"]
TAGS = ["DET", "NOUN", "VERB", "DET", "ADJ", "NOUN", "ADP", "PROPN", "CCONJ", "PROPN", "PROPN", "VERB", "NOUN", "PUNCT"]
ENTITIES = {"Paris": "B-LOC", "Amina": "B-PER", "Yusuf": "I-PER"}


class Stream(io.BytesIO):
    """Bytes that can be read once, as a pipe's."""

    def seekable(self) -> bool:
        return False


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data beside the checkout."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the real data is not at {folder}")
    return folder


@pytest.fixture(scope="session")
def library() -> Path:
    """The Python of an environment with AdapterHub's library."""
    environment = Path(__file__).parents[1] / ".venv-adapters"
    python = Path(os.environ.get("HYPERX_ADAPTERS_PYTHON") or environment / "bin" / "python")
    if not python.exists():
        pytest.skip("the adapters library's environment is not there; `make test` builds it")
    return python


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    special = ["<pad>", "<s>", "</s>", "<unk>", "<mask>"]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.train_from_iterator([" ".join(WORDS)], trainers.BpeTrainer(vocab_size=90, special_tokens=special))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        mask_token="<mask>",
    )


@pytest.fixture(scope="session")
def make_model(tokenizer: PreTrainedTokenizerFast) -> Callable[..., HyperX]:
    """Build a small model: two tagging tasks and MLM, three languages."""

    def make(architecture: str = "bert", method: object = None, seed: int = 0) -> HyperX:
        torch.manual_seed(seed)
        config = ModelConfig(
            backbone=architecture,
            method=method or HyperXConfig(bottleneck=4, projection_size=6, embedding_size=5),
            tasks={task: build_task(task).labels for task in ("pos", "ner", "mlm")},
            languages=["eng", "swa", "yor"],
            max_length=24,
        )
        return HyperX(config, Backbone(ENCODERS[architecture]()), tokenizer)

    return make


def columns(path: Path, tags: list[str], count: int) -> str:
    spans = [(start, min(start + 3 + start % 4, 14)) for start in range(11)]
    sentences = []
    for number in range(count):
        start, end = spans[number % len(spans)]
        rows = zip(WORDS[start:end], tags[start:end], strict=True)
        # An entity that the cut begins inside of begins there.
        lines = [f"{word} {'B' + tag[1:] if n == 0 and tag[0] == 'I' else tag}" for n, (word, tag) in enumerate(rows)]
        sentences.append("\n".join(lines))
    path.write_text("\n\n".join(sentences) + "\n")
    return str(path)


@pytest.fixture(scope="session")
def yaml(tmp_path_factory: pytest.TempPathFactory, tokenizer: PreTrainedTokenizerFast) -> Path:
    """A run of two languages, each with one task's labels."""
    folder = tmp_path_factory.mktemp("run")
    torch.manual_seed(0)
    ENCODERS["bert"]().save_pretrained(folder / "backbone")
    tokenizer.save_pretrained(folder / "backbone")
    pos = columns(folder / "pos.txt", TAGS, 60)
    ner = columns(folder / "ner.txt", [ENTITIES.get(word, "O") for word in WORDS[:14]], 60)
    (folder / "raw.txt").write_text("\n".join(" ".join(WORDS[i : i + 6]) for i in range(10)) + "\n")
    path = folder / "run.yaml"
    path.write_text(f"""
name: tiny
backbone: {folder / "backbone"}
method: {{name: hyperx, bottleneck: 8, projection_size: 4}}
data:
  - {{task: pos, language: eng, train: {pos}, dev: {pos}, test: {pos}}}
  - {{task: ner, language: swa, train: {ner}, dev: {ner}, test: {ner}}}
  - {{task: ner, language: eng, test: {ner}}}
  - {{task: mlm, language: yor, train: raw.txt}}
  - {{task: pos, language: yor, test: {pos}}}
train: {{pos: [eng], ner: [sw], mlm: all}}
training: {{steps: 40, batch_size: 8, eval_steps: 10, max_length: 24}}
""")
    return path


@pytest.fixture(scope="session")
def run(yaml: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    result = CliRunner().invoke(app, ["train", str(yaml), "--output", str(folder)])
    assert result.exit_code == 0, result.output
    return folder


def shake(model: HyperX) -> HyperX:
    """Give every trained parameter a random value, so that nothing is zero by its initialization."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return model.eval()


INPUTS = {
    "input_ids": torch.arange(5, 23).reshape(2, 9),
    "attention_mask": torch.tensor([[1] * 9, [1] * 6 + [0] * 3]),
}


@torch.inference_mode()
def logits(model: HyperX, pair: Pair) -> torch.Tensor:
    """Return a pair's logits of `INPUTS`."""
    return model.head(pair)[0](model.encode([pair], **INPUTS))


def readme_code(folder: Path) -> str:
    """Return the code of an exported folder's README, with the folder's path filled in."""
    (code,) = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)
    assert "path/to/this/folder" in code
    return code.replace("path/to/this/folder", str(folder))


@contextmanager
def small_disk() -> Iterator[Callable[[], None]]:
    """Give what lets no file grow larger than a few kB, which the system refuses as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (5000, hard))
    finally:  # within the test: pytest's own output may go to a file
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
