"""Tiny models, built in the test."""

import os
import re
from collections.abc import Callable
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

from hyperx.backbone import Backbone
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
