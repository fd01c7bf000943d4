"""Well-known backbones: their configurations, so that a plan needs no hub."""

import torch
from transformers import AutoModel, BertConfig, DebertaV2Config, DistilBertConfig, PreTrainedConfig, XLMRobertaConfig

_MINILM = BertConfig(
    vocab_size=250037, hidden_size=384, num_hidden_layers=12, num_attention_heads=12, intermediate_size=1536
)
_MBERT = BertConfig(vocab_size=119547)
_XLMR_BASE = XLMRobertaConfig(vocab_size=250002, max_position_embeddings=514, type_vocab_size=1)
_XLMR_LARGE = XLMRobertaConfig(
    vocab_size=250002,
    max_position_embeddings=514,
    type_vocab_size=1,
    hidden_size=1024,
    num_hidden_layers=24,
    num_attention_heads=16,
    intermediate_size=4096,
)
_MDEBERTA = DebertaV2Config.from_dict(
    {
        "vocab_size": 251000,
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        "type_vocab_size": 0,
        "relative_attention": True,
        "position_buckets": 256,
        "norm_rel_ebd": "layer_norm",
        "share_att_key": True,
        "pos_att_type": ["p2c", "c2p"],
        "position_biased_input": False,
    }
)

KNOWN: dict[str, PreTrainedConfig] = {
    "builtin:multilingual-e5-small": _MINILM,
    "intfloat/multilingual-e5-small": _MINILM,
    "intfloat/multilingual-e5-base": _XLMR_BASE,
    "intfloat/multilingual-e5-large": _XLMR_LARGE,
    "microsoft/Multilingual-MiniLM-L12-H384": _MINILM,
    "FacebookAI/xlm-roberta-base": _XLMR_BASE,
    "FacebookAI/xlm-roberta-large": _XLMR_LARGE,
    "microsoft/mdeberta-v3-base": _MDEBERTA,
    "google-bert/bert-base-multilingual-cased": _MBERT,
    "google-bert/bert-base-multilingual-uncased": BertConfig(vocab_size=105879),
    "distilbert/distilbert-base-multilingual-cased": DistilBertConfig(vocab_size=119547),
}


def known_config(name: str) -> PreTrainedConfig | None:
    """The configuration of a well-known backbone, by its name or its Hub id without owner; None for any other."""
    named = KNOWN | {full.rpartition("/")[2]: config for full, config in KNOWN.items()}
    return named.get(name)


def count_parameters(config: PreTrainedConfig) -> int:
    """The number of an encoder's parameters, without a pooler; no memory is taken for them."""
    with torch.device("meta"):
        encoder = AutoModel.from_config(config)
    return sum(values.numel() for name, values in encoder.named_parameters() if not name.startswith("pooler."))
