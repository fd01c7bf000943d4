"""Trimming a backbone's vocabulary."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel
from typer.testing import CliRunner

from conftest import WORDS, shake, small_disk
from hyperx.backbone import load_backbone, load_tokenizer
from hyperx.cli.app import app
from hyperx.errors import HyperXError
from hyperx.methods import FinetuneConfig
from hyperx.modeling import HyperX
from hyperx.pairs import Pair
from hyperx.trim import trim_backbone, trim_model, trim_tokenizer

SPECIALS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
CORPUS = [
    " ".join(WORDS),
    "Nairobi's cathedrals, catalogues & small dogs.",
    "anakimbia kimbia nyumba nyumbani mbwaha",
] * 3
TEXT = [["the", "small", "dog", "ran", "nyumbani", "."], ["Nairobi's", "cats"], ["mb\u2603wa", "zzz"]]


def unigram() -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=120, special_tokens=SPECIALS, unk_token="<unk>")
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    return tokenizer


def bpe() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        CORPUS, trainers.BpeTrainer(vocab_size=420, special_tokens=SPECIALS, initial_alphabet=alphabet)
    )
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return tokenizer


def wordpiece() -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="<unk>"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=130, special_tokens=SPECIALS))
    tokenizer.post_processor = processors.BertProcessing(("</s>", 2), ("<s>", 0))
    return tokenizer


@pytest.fixture(params=[unigram, bpe, wordpiece])
def backbone_folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A backbone of random weights with a trained tokenizer."""
    build: Callable[[], Tokenizer] = request.param
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=build(),
        **dict(zip(("bos_token", "pad_token", "eos_token", "unk_token", "mask_token"), SPECIALS, strict=True)),
    )
    shape = {"hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 2, "intermediate_size": 32}
    torch.manual_seed(0)
    # More rows than pieces, as published models have.
    if build is bpe:
        config = XLMRobertaConfig(vocab_size=len(tokenizer) + 3, pad_token_id=1, **shape)
        encoder = XLMRobertaModel(config, add_pooling_layer=False)
    else:
        config = BertConfig(vocab_size=len(tokenizer) + 3, pad_token_id=1, **shape)
        encoder = BertModel(config, add_pooling_layer=False)
    encoder.save_pretrained(tmp_path / "whole")
    tokenizer.save_pretrained(tmp_path / "whole")
    return tmp_path / "whole"


def pieces(tokenizer: PreTrainedTokenizerFast, text: list[list[str]]) -> list[list[str]]:
    return [tokenizer.convert_ids_to_tokens(row) for row in tokenizer(text, is_split_into_words=True)["input_ids"]]


def test_the_text_is_read_as_the_same_pieces_and_hidden_states(backbone_folder: Path, tmp_path: Path) -> None:
    kept = trim_backbone(str(backbone_folder), tmp_path / "trimmed", TEXT)
    whole, trimmed = load_tokenizer(str(backbone_folder)), load_tokenizer(str(tmp_path / "trimmed"))
    assert len(trimmed) == len(kept) < len(whole)
    assert trimmed.convert_ids_to_tokens(range(len(kept))) == whole.convert_ids_to_tokens(kept)
    assert pieces(trimmed, TEXT) == pieces(whole, TEXT)
    assert trimmed.decode(trimmed("the dog")["input_ids"]) == whole.decode(whole("the dog")["input_ids"])
    backbones = load_backbone(str(backbone_folder)), load_backbone(str(tmp_path / "trimmed"))
    assert backbones[1].word_embeddings().num_embeddings == len(kept)
    with torch.inference_mode():
        hidden = [
            backbone(**tokenizer(TEXT, is_split_into_words=True, padding=True, return_tensors="pt"))
            for backbone, tokenizer in zip(backbones, (whole, trimmed), strict=True)
        ]
    assert torch.equal(*hidden)


def test_other_text_is_read_in_smaller_pieces_and_nothing_becomes_unknown(
    backbone_folder: Path, tmp_path: Path
) -> None:
    trim_backbone(str(backbone_folder), tmp_path / "trimmed", [["dog"]])
    trimmed = load_tokenizer(str(tmp_path / "trimmed"))
    (read,) = pieces(trimmed, [["Amina", "nyumbani", "catalogues"]])
    assert "<unk>" not in read
    assert len(read) > len(pieces(load_tokenizer(str(backbone_folder)), [["Amina", "nyumbani", "catalogues"]])[0])


def test_special_tokens_of_tokenizer_and_configuration_have_their_new_numbers(
    backbone_folder: Path, tmp_path: Path
) -> None:
    trim_backbone(str(backbone_folder), tmp_path / "trimmed", TEXT)
    tokenizer, config = load_tokenizer(str(tmp_path / "trimmed")), load_backbone(str(tmp_path / "trimmed")).config
    assert tokenizer.convert_ids_to_tokens(tokenizer("dog")["input_ids"])[
        :: len(tokenizer("dog")["input_ids"]) - 1
    ] == ["<s>", "</s>"]
    assert tokenizer.mask_token_id == tokenizer.convert_tokens_to_ids("<mask>") < len(tokenizer)
    assert config.pad_token_id == tokenizer.pad_token_id
    assert config.vocab_size == len(tokenizer)


@pytest.fixture
def trained(make_model, backbone_folder: Path, tmp_path: Path) -> HyperX:
    """A saved model on the whole backbone."""
    model = make_model()
    config = model.model_config.model_copy(update={"backbone": str(backbone_folder)})
    model = HyperX(config)
    candidates = torch.arange(3, len(model.tokenizer), 2)
    model.heads["mlm"].restrict(candidates, torch.ones(len(candidates)))
    shake(model).save_pretrained(tmp_path / "model")
    return model


def test_a_trained_model_tags_the_same_on_its_trimmed_backbone(trained: HyperX, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("\n".join(" ".join(row) for row in TEXT), encoding="utf-8")
    result = CliRunner().invoke(
        app, ["backbone", "trim", *(str(tmp_path / part) for part in ("model", "small", "text.txt"))]
    )
    assert result.exit_code == 0, result.output
    small = HyperX.from_pretrained(tmp_path / "small", dtype=torch.float32)
    assert Path(small.model_config.backbone) == tmp_path / "small" / "backbone" / "whole"
    for task, language in (("pos", "eng"), ("ner", "swa")):
        assert small.tag(TEXT, task=task, language=language) == trained.tag(TEXT, task=task, language=language)
    with torch.inference_mode():
        logits = []
        for model in (trained, small):
            inputs = model.tokenizer(TEXT[:1], is_split_into_words=True, return_tensors="pt")
            hidden = model.encode([Pair("mlm", "eng")], inputs["input_ids"], inputs["attention_mask"])
            names = model.tokenizer.convert_ids_to_tokens(model.heads["mlm"].candidates.tolist())
            logits.append(dict(zip(names, model.heads["mlm"](hidden[0, 1]).tolist(), strict=True)))
    assert logits[1] == pytest.approx({name: logits[0][name] for name in logits[1]}, abs=1e-5)
    assert len(logits[1]) > 10


def test_a_backbone_may_be_called_model(trained: HyperX, tmp_path: Path) -> None:
    shutil.copytree(trained.model_config.backbone, tmp_path / "backbones" / "model")
    trained.model_config.backbone = str(tmp_path / "backbones" / "model")
    trained.save_pretrained(tmp_path / "named")
    trim_model(tmp_path / "named", tmp_path / "small", TEXT)
    small = HyperX.from_pretrained(tmp_path / "small", dtype=torch.float32)
    assert small.tag(TEXT, task="pos", language="eng") == trained.tag(TEXT, task="pos", language="eng")


@pytest.mark.parametrize("architecture", ["bert", "modernbert"])
def test_a_fine_tuned_model_keeps_its_embeddings_and_its_card(architecture: str, make_model, tmp_path: Path) -> None:
    model = shake(make_model(architecture, FinetuneConfig()))
    model.backbone.encoder.save_pretrained(tmp_path / "whole")
    model.tokenizer.save_pretrained(tmp_path / "whole")
    model.model_config.backbone, model.card = str(tmp_path / "whole"), "# A card"
    model.save_pretrained(tmp_path / "model")
    trim_model(tmp_path / "model", tmp_path / "small", TEXT[:1])
    small = HyperX.from_pretrained(tmp_path / "small", dtype=torch.float32)
    assert small.card == "# A card"
    assert small.backbone.word_embeddings().num_embeddings < 300
    with torch.inference_mode():
        hidden = [
            m.encode([Pair("pos", "eng")], **m.tokenizer(TEXT[:1], is_split_into_words=True, return_tensors="pt"))
            for m in (model, small)
        ]
    torch.testing.assert_close(*hidden)


def test_trimming_to_a_corpus_says_what_it_read(trained: HyperX, tmp_path: Path) -> None:
    arguments = ["backbone", "trim", str(tmp_path / "model"), str(tmp_path / "small"), "--corpus", "starter", "-l"]
    result = CliRunner().invoke(app, [*arguments, "hau"])
    assert "no corpus given has text in hau (Hausa); starter has eng, fas" in str(result.exception)
    result = CliRunner().invoke(app, [*arguments, "sw"])
    assert result.exit_code == 0, result.output
    whole = trained.backbone.config.vocab_size
    assert f" of {whole} pieces stay, those of 120 sentences; written to" in result.output
    assert "note no text in eng (English), yor (Yoruba), which" in result.output


@pytest.mark.parametrize(
    ("kind", "message"), [("WordLevel", "'WordLevel' can't be trimmed; Unigram, BPE, WordPiece can")]
)
def test_a_tokenizer_of_another_kind_is_a_clear_error(kind: str, message: str) -> None:
    with pytest.raises(HyperXError, match=message):
        trim_tokenizer({"model": {"type": kind}}, set())


def filling(fill: Callable[[], None]) -> Iterator[list[str]]:
    """Yield the text, after which the disk is full."""
    yield from TEXT
    fill()


def test_no_text_and_a_folder_in_use_are_clear_errors(backbone_folder: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["backbone", "trim", str(backbone_folder), str(tmp_path / "new")])
    assert "no text" in str(result.exception)
    with pytest.raises(HyperXError, match="has no sentence"):
        trim_backbone(str(backbone_folder), tmp_path / "new", [])
    with small_disk() as fill, pytest.raises(HyperXError, match=r"new can't be written: .*make room there"):
        trim_backbone(str(backbone_folder), tmp_path / "new", filling(fill))
    assert not (tmp_path / "new").exists()
    with pytest.raises(HyperXError, match="not empty"):
        trim_backbone(str(backbone_folder), backbone_folder, TEXT)
    with pytest.raises(HyperXError, match=r"config\.json can't be written: .*choose another place"):
        trim_backbone(str(backbone_folder), backbone_folder / "config.json", TEXT)
    assert json.loads((backbone_folder / "config.json").read_text())["hidden_size"] == 16
