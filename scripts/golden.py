"""Write the golden model folders of a new version of the format: tests/golden/VERSION, once and for all.

Usage: python scripts/golden.py
"""

import json
import os
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from hyperx.methods import FinetuneConfig, HyperXConfig, MADXConfig, PSFConfig, SingleConfig
from hyperx.modeling import FORMAT_VERSION, HyperX, ModelConfig
from hyperx.text.formats import to_dict

FOLDER = Path(__file__).parents[1] / "tests" / "golden" / str(FORMAT_VERSION)
SENTENCES = ["the cat saw a small dog near Paris .", "Amina Yusuf ran home", "mbwa anakimbia nyumbani"]
LABELS = {
    "pos": ["NOUN", "VERB", "PROPN", "PUNCT", "DET"],
    "ner": ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"],
    "mlm": [],
    "feats": ["Case=", "Case=Acc", "Case=Nom", "Number=", "Number=Plur"],
    "genre": ["news", "wiki"],
}
METHODS = {
    "hyperx": HyperXConfig(bottleneck=4, projection_size=4, embedding_size=4),
    "hyperx-paper": HyperXConfig(
        recipe="paper", bottleneck=4, projection_size=4, embedding_size=4, layer_norm=True, skip_last_layer=True
    ),
    "single": SingleConfig(bottleneck=4),
    "madx": MADXConfig(language_bottleneck=4, task_bottleneck=4),
    "finetune": FinetuneConfig(freeze_embeddings=True),
    "psf": PSFConfig(latent_size=4, rank=2, num_layers=2, freeze_embeddings=True),
}


def tokenizer() -> PreTrainedTokenizerFast:
    special = ["<pad>", "<s>", "</s>", "<unk>", "<mask>"]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.train_from_iterator(SENTENCES, trainers.BpeTrainer(vocab_size=80, special_tokens=special))
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


def write_backbone() -> None:
    shape = BertConfig(
        vocab_size=80,
        hidden_size=8,
        num_attention_heads=2,
        num_hidden_layers=2,
        intermediate_size=8,
        max_position_embeddings=32,
    )
    encoder = BertModel(shape, add_pooling_layer=False)
    shake(encoder, 1.0)
    encoder.save_pretrained("backbone")
    tokenizer().save_pretrained("backbone")


def shake(module: torch.nn.Module, size: float) -> None:
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.requires_grad:
                parameter.add_(size * torch.randn_like(parameter))


def expected(model: HyperX) -> dict[str, list[dict[str, object]]]:
    """Return each pair's sentences as JSON Lines has them."""
    pairs = [(name, language) for name in LABELS if name != "mlm" for language in model.model_config.languages]
    words = [sentence.split() for sentence in SENTENCES]
    return {f"{task}/{language}": list(map(to_dict, model.tagger(task, language)(words))) for task, language in pairs}


def main() -> None:
    FOLDER.mkdir(parents=True)  # an error where it is there: golden folders never change
    os.chdir(FOLDER)
    torch.manual_seed(FORMAT_VERSION)
    write_backbone()
    for name, method in METHODS.items():
        model = HyperX(
            ModelConfig(
                backbone="backbone",
                method=method,
                tasks=LABELS,
                kinds={"genre": "classification"},
                languages=["eng", "swa"],
                trained=["pos/eng", "mlm/swa"],
                max_length=24,
                temperatures={"pos": 1.5},
                scores={"pos/eng": (50.0, 45.0, 55.0)},
            )
        ).eval()
        shake(model, 0.5)
        shake(model.heads, 1.0)
        model.card = f"# {name}\n"
        model.save_pretrained(name)
        lines = (f"{json.dumps(pair)}: {json.dumps(sentences)}" for pair, sentences in expected(model).items())
        Path(f"{name}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
