"""Trim a backbone's vocabulary to what chosen text needs: the same pieces, hidden states and tags, in less memory."""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from hyperx.backbone import Backbone, load_backbone, load_tokenizer
from hyperx.disk import new_folder
from hyperx.encoding import encode
from hyperx.errors import HyperXError
from hyperx.modeling import HyperX
from hyperx.permissions import share_tensors

WINDOW = 1000  # sentences that are encoded together


def trim_backbone(name: str, folder: Path, text: Iterable[Sequence[str]], *, revision: str | None = None) -> list[int]:
    """Write the backbone called `name` into a folder, with those pieces of its vocabulary alone that `text` needs.

    Special tokens stay, and all single characters, so that other text is read too, if in smaller pieces.

    Args:
        text: sentences of words.

    Returns:
        The numbers, in the whole vocabulary, of the pieces that stay; their places are their new numbers.

    Raises:
        HyperXError: the backbone can't be loaded, its tokenizer is of a kind that can't be trimmed, the text has no sentence,
            or the folder is not empty, or can't be written; nothing is left there then.
    """
    with new_folder(folder) as unfinished:
        return _trim_backbone(name, unfinished, text, revision)


def _trim_backbone(name: str, folder: Path, text: Iterable[Sequence[str]], revision: str | None) -> list[int]:
    tokenizer = load_tokenizer(name, revision=revision)
    backbone = load_backbone(name, revision=revision)
    described = json.loads(tokenizer.backend_tokenizer.to_str())
    pieces = used_pieces(tokenizer, text)
    if not pieces:
        raise HyperXError("the text to trim to has no sentence; give text of all languages that are to be read")
    pieces |= set(tokenizer.all_special_ids)
    if backbone.config.model_type in ("roberta", "xlm-roberta"):
        pieces |= set(range(tokenizer.pad_token_id + 1))  # these count positions from the pad's number on
    described, kept = trim_tokenizer(described, pieces)
    _trim_embeddings(backbone, kept)
    backbone.encoder.save_pretrained(folder)
    share_tensors(folder)
    tokenizer.save_pretrained(folder)
    _write(folder / "tokenizer.json", described)
    config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    config.pop("added_tokens_decoder", None)  # the whole vocabulary's numbers
    _write(folder / "tokenizer_config.json", config | {"tokenizer_class": "TokenizersBackend"})
    return kept


def trim_model(name: str | Path, folder: Path, text: Iterable[Sequence[str]]) -> list[int]:
    """Write a trained model into a folder, and its backbone, trimmed, into ``backbone/NAME`` within, named as the backbone is.

    Raises:
        HyperXError: as `trim_backbone`, or the model can't be read.
    """
    whole = HyperX.from_pretrained(name, device="cpu")
    config = whole.model_config
    own = Path(config.backbone)
    backbone = Path("backbone", own.resolve().name if own.is_dir() else own.name.removeprefix("builtin:"))
    with new_folder(folder) as unfinished:
        kept = trim_backbone(config.backbone, unfinished / backbone, text, revision=config.revision)
        model = HyperX(config.model_copy(update={"backbone": str(unfinished / backbone), "revision": None}))
        model.load_trained_state(trimmed_state(whole, kept))
        model.model_config.backbone, model.card = str(folder.resolve() / backbone), whole.card
        model.save_pretrained(unfinished)
    return kept


def trimmed_state(model: HyperX, kept: Sequence[int]) -> dict[str, Tensor]:
    """Return a model's trained weights for a trimmed vocabulary."""
    state, numbers = model.trained_state(), torch.tensor(kept)
    if "heads.mlm.candidates" in state:
        candidates = state["heads.mlm.candidates"].long()
        stay = torch.isin(candidates, numbers)
        state["heads.mlm.candidates"] = torch.searchsorted(numbers, candidates[stay]).int()
        state["heads.mlm.bias"] = state["heads.mlm.bias"][stay]
    for name, parameter in model.backbone_parameters.items():
        if parameter is model.backbone.word_embeddings().weight:  # full fine-tuning trains them
            state[f"backbone.{name}"] = parameter.detach()[numbers]
    return state


def used_pieces(tokenizer: PreTrainedTokenizerBase, text: Iterable[Sequence[str]]) -> set[int]:
    """Return the numbers of the pieces that sentences of words are read as, and with punctuation split off."""
    used: set[int] = set()
    for words in _windows(text):
        both = [*words, *([part for word in row for part in re.findall(r"\w+|[^\w\s]", word)] for row in words)]
        for chunk in encode(both, tokenizer, max_length=1_000_000_000):
            used.update(chunk.input_ids)
    return used


def _windows(text: Iterable[Sequence[str]]) -> Iterator[list[Sequence[str]]]:
    rows = iter(text)
    while window := list(islice(rows, WINDOW)):
        yield window


def trim_tokenizer(described: dict[str, Any], pieces: Collection[int]) -> tuple[dict[str, Any], list[int]]:
    """Trim a ``tokenizer.json``: text of these pieces is read as the same pieces.

    Returns:
        The trimmed description, and the numbers of the pieces that stay, in order.

    Raises:
        HyperXError: the model is none of Unigram, BPE and WordPiece.
    """
    model = described["model"]
    if model["type"] not in _NEEDED:
        raise HyperXError(f"a tokenizer of the kind '{model['type']}' can't be trimmed; {', '.join(_NEEDED)} can")
    vocabulary = _numbers(model)
    names = {number: name for name, number in vocabulary.items()}
    added = {token["content"]: token["id"] for token in described["added_tokens"]}
    needed = _NEEDED[model["type"]](model, {names[number] for number in pieces if number in names})
    kept = sorted({vocabulary[name] for name in needed} | set(added.values()))
    new = {number: place for place, number in enumerate(kept)}
    trimmed = model | {"vocab": {name: new[number] for name, number in vocabulary.items() if number in new}}
    if model["type"] == "Unigram":
        trimmed |= {"vocab": [entry for number, entry in enumerate(model["vocab"]) if number in new]}
        trimmed["unk_id"] = None if model["unk_id"] is None else new[model["unk_id"]]
    if model["type"] == "BPE":
        trimmed["merges"] = [pair for pair in model["merges"] if _merged(model, pair) in needed]
    tokens = [token | {"id": new[token["id"]]} for token in described["added_tokens"]]
    processor = _renumbered(described["post_processor"], new)
    return described | {"model": trimmed, "added_tokens": tokens, "post_processor": processor}, kept


def _numbers(model: dict[str, Any]) -> dict[str, int]:
    if model["type"] == "Unigram":
        return {name: number for number, (name, _) in enumerate(model["vocab"])}
    return model["vocab"]


def _needed_by_unigram(model: dict[str, Any], used: set[str]) -> set[str]:
    entries = model["vocab"]
    # What is unknown costs a fixed amount more than the rarest piece, which therefore has to stay.
    rarest = min((score, name) for name, score in entries)[1]
    unknown = set() if model["unk_id"] is None else {entries[model["unk_id"]][0]}
    alphabet = {name for name, _ in entries if len(name) == 1 or re.fullmatch(r"<0x[0-9A-F]{2}>", name)}
    return used | alphabet | unknown | {rarest}


def _needed_by_bpe(model: dict[str, Any], used: set[str]) -> set[str]:
    sources: dict[str, list[Sequence[str]]] = {}
    for pair in model["merges"]:
        sources.setdefault(_merged(model, pair), []).append(_pair(pair))
    # A piece needs all that it is merged from.
    needed, waiting = set(), list(used)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += [part for pair in sources.get(name, []) for part in pair]
    return needed | {name for name in model["vocab"] if name not in sources}


def _pair(merge: str | Sequence[str]) -> Sequence[str]:
    return merge.split(" ") if isinstance(merge, str) else merge


def _merged(model: dict[str, Any], merge: str | Sequence[str]) -> str:
    first, second = _pair(merge)
    return first + second.removeprefix(model.get("continuing_subword_prefix") or "")


def _needed_by_wordpiece(model: dict[str, Any], used: set[str]) -> set[str]:
    prefix = model["continuing_subword_prefix"]
    alphabet = {name for name in model["vocab"] if len(name.removeprefix(prefix)) == 1}
    return used | alphabet | {model["unk_token"]}


_NEEDED = {"Unigram": _needed_by_unigram, "BPE": _needed_by_bpe, "WordPiece": _needed_by_wordpiece}


def _renumbered(processor: Any, new: dict[int, int]) -> Any:
    """Return a post-processor whose special tokens have their new numbers."""
    if processor is None:
        return None
    changed = dict(processor)
    if "processors" in processor:
        changed["processors"] = [_renumbered(part, new) for part in processor["processors"]]
    if processor["type"] == "TemplateProcessing":
        changed["special_tokens"] = {
            name: token | {"ids": [new[number] for number in token["ids"]]}
            for name, token in processor["special_tokens"].items()
        }
    for end in ("sep", "cls"):
        if end in processor:
            changed[end] = [processor[end][0], new[processor[end][1]]]
    return changed


def _trim_embeddings(backbone: Backbone, kept: Sequence[int]) -> None:
    """Keep some rows of the table of pieces, and give the configuration's special tokens their new numbers."""
    config, whole = backbone.config, backbone.word_embeddings()
    new = {number: place for place, number in enumerate(kept)}
    padding = None if whole.padding_idx is None else new[whole.padding_idx]
    table = nn.Embedding.from_pretrained(whole.weight.data[torch.tensor(kept)], freeze=True, padding_idx=padding)
    backbone.encoder.set_input_embeddings(table)
    config.vocab_size = len(kept)
    for key, number in vars(config).items():
        if key.endswith("_token_id") and isinstance(number, int):
            setattr(config, key, new.get(number))


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
