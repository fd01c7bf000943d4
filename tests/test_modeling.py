import json
from pathlib import Path

import pytest
import torch

import hyperx
from conftest import ENCODERS, WORDS, shake
from hyperx.adapter import Adapters, Stack, transform
from hyperx.backbone import Backbone
from hyperx.errors import HyperXError
from hyperx.methods import HyperXConfig, MADXConfig, SingleConfig
from hyperx.modeling import HyperX, read_config
from hyperx.pairs import Pair

PAIRS = [Pair("pos", "eng"), Pair("ner", "swa"), Pair("pos", "eng"), Pair("ner", "yor")]
INPUTS = {
    "input_ids": torch.randint(5, 80, (4, 9), generator=torch.Generator().manual_seed(3)),
    "attention_mask": torch.ones(4, 9, dtype=torch.long),
}


@pytest.mark.parametrize("architecture", ENCODERS)
def test_zero_adapters_give_the_plain_backbones_output_bit_for_bit(architecture: str, make_model) -> None:
    model = make_model(architecture).eval()  # the default recipe starts with U = 0
    with torch.inference_mode():
        plain = model.backbone.encoder(**INPUTS).last_hidden_state
        assert torch.equal(model.encode([PAIRS[0]], **INPUTS), plain)


@pytest.mark.parametrize("architecture", ENCODERS)
def test_adapters_sit_in_every_layer(architecture: str, make_model) -> None:
    model = shake(make_model(architecture))
    with torch.inference_mode():
        adapters = model.adapters([PAIRS[0]])
        whole = model.backbone(adapters, **INPUTS)
        for layer, weights in enumerate(adapters.layers):
            other = [*adapters.layers]
            other[layer] = transform(lambda tensor: 2 * tensor, weights)
            changed = model.backbone(Adapters(other), **INPUTS)
            assert not torch.allclose(changed, whole), f"layer {layer} has no adapter"


@pytest.mark.parametrize("architecture", ENCODERS)
def test_a_mixed_batch_equals_one_pair_at_a_time(architecture: str, make_model) -> None:
    model = shake(make_model(architecture))
    with torch.inference_mode():
        mixed = model.encode(PAIRS, **INPUTS)
        for row, pair in enumerate(PAIRS):
            alone = model.encode([pair], **{name: tensor[row : row + 1] for name, tensor in INPUTS.items()})
            torch.testing.assert_close(mixed[row : row + 1], alone, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(mixed[0], mixed[1])


@pytest.mark.parametrize("architecture", ENCODERS)
@pytest.mark.parametrize(
    "method", [HyperXConfig(recipe="paper", bottleneck=4, projection_size=6), SingleConfig(bottleneck=4)]
)
def test_gradients_reach_what_is_trained_and_nothing_else(architecture: str, method: object, make_model) -> None:
    model = shake(make_model(architecture, method)).train()
    for pair in (Pair("pos", "eng"), Pair("ner", "swa"), Pair("mlm", "yor")):
        labels = INPUTS["input_ids"] if pair.task == "mlm" else INPUTS["input_ids"] % 7
        model(pair, **INPUTS, labels=labels)["loss"].backward()
    norms = set(model.backbone.layer_norms())
    assert norms
    for name, parameter in model.backbone.encoder.named_parameters():
        reached = parameter.grad is not None and bool(parameter.grad.any())
        assert reached == (name in norms), name
    for part in (model.method, model.heads):
        for name, parameter in part.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.any(), name


@pytest.mark.parametrize("architecture", ENCODERS)
@pytest.mark.parametrize("method", [HyperXConfig(bottleneck=4), HyperXConfig(recipe="paper", layer_norm=True)])
def test_rows_that_each_have_their_own_pair(architecture: str, method: object, make_model) -> None:
    model = shake(make_model(architecture, method))
    pairs = [Pair("ner", "swa"), Pair("pos", "eng"), Pair("pos", "yor"), Pair("ner", "eng")]
    with torch.inference_mode():
        mixed = model.encode(pairs, **INPUTS)
        alone = [
            model.encode([pair], **{k: v[row : row + 1] for k, v in INPUTS.items()}) for row, pair in enumerate(pairs)
        ]
    torch.testing.assert_close(mixed, torch.cat(alone), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("method", [HyperXConfig(recipe="paper", layer_norm=True), MADXConfig(task_bottleneck=4)])
def test_rows_in_equal_groups_share_their_pairs_weights(method: object, make_model) -> None:
    model = shake(make_model("bert", method))
    pairs = [PAIRS[0], PAIRS[0], PAIRS[1], PAIRS[1]]
    with torch.inference_mode():
        site = model.adapters(pairs).layers[0]
        assert len((site.adapters[0] if isinstance(site, Stack) else site).down) == 2
        grouped = model.encode(pairs, **INPUTS)
        halves = [{name: tensor[rows] for name, tensor in INPUTS.items()} for rows in (slice(2), slice(2, 4))]
        alone = [model.encode([pair], **half) for pair, half in zip((PAIRS[0], PAIRS[1]), halves, strict=True)]
    torch.testing.assert_close(grouped, torch.cat(alone), atol=1e-5, rtol=1e-5)


def test_several_pairs_gradients_are_the_sum_of_each_ones(make_model) -> None:
    model = shake(make_model())
    hypernetwork = model.method.hypernetwork

    def gradients(*batches: list[Pair]) -> list[torch.Tensor]:
        model.zero_grad()
        for pairs in batches:
            rows = [PAIRS.index(pair) for pair in pairs]
            model.encode(pairs, **{name: tensor[rows] for name, tensor in INPUTS.items()}).square().sum().backward()
        return [parameter.grad.clone() for parameter in (hypernetwork.generator.weight, model.method.base.flat)]

    distinct = [PAIRS[0], PAIRS[1], PAIRS[3]]
    together, alone = gradients(distinct), gradients(*([pair] for pair in distinct))
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=1e-4)


def test_saving_and_loading_give_the_same_tags(make_model, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    model = shake(make_model())
    encoder = tmp_path / "encoder"
    model.backbone.encoder.save_pretrained(encoder)
    model.tokenizer.save_pretrained(encoder)
    model.model_config.backbone = str(encoder)
    # LayerNorms were trained, the folder's are the old ones.
    with torch.no_grad():
        next(iter(model.backbone.layer_norms().values())).add_(0.5)
    model.save_pretrained(tmp_path / "model")
    capfd.readouterr()
    loaded = HyperX.from_pretrained(tmp_path / "model", dtype=torch.float32)
    assert capfd.readouterr() == ("", ""), "loading draws no bars"
    for name, tensor in model.trained_state().items():
        assert torch.equal(tensor, loaded.trained_state()[name]), name
    sentences = [WORDS[:5], WORDS[5:]]
    assert loaded.tag(sentences, task="ner", language="sw") == model.tag(sentences, task="ner", language="swa")
    saved = (tmp_path / "model" / "model.safetensors").stat()
    assert saved.st_mode == (tmp_path / "model" / "config.json").stat().st_mode, "who may read the one reads the other"
    assert saved.st_size < 8 * sum(model.trained_parameters().values()), "the backbone must not be saved"


@pytest.mark.parametrize("device", ["cpu", None])
def test_a_model_is_loaded_to_the_gpu_unless_told_otherwise(
    device: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hyperx.modeling.best_device", lambda: torch.device("meta"))  # stands for a GPU
    monkeypatch.chdir(Path(__file__).parent / "golden" / "1")
    model = hyperx.load("hyperx", device=device)
    assert {parameter.device.type for parameter in model.parameters()} == {device or "meta"}


def test_tags_of_any_length_are_one_a_word(make_model) -> None:
    model = shake(make_model())
    long = WORDS * 9  # many times the model's 24 pieces
    tags = model.tag([long, [], ["\u200b", "cat"], "the cat saw"], task="pos", language="eng")
    assert [len(row) for row in tags] == [len(long), 0, 2, 3]
    assert set(tags[0]) <= set(model.tasks["pos"].labels)


def test_batching_does_not_change_tags(make_model) -> None:
    model = shake(make_model())
    sentences = [WORDS[i:j] for i, j in ((0, 3), (2, 12), (5, 6), (0, 15))]
    together = model.tag(sentences, task="ner", language="yor")
    assert together == [model.tag([sentence], task="ner", language="yor")[0] for sentence in sentences]


@pytest.mark.parametrize(
    ("task", "language", "message"),
    [
        ("ner", "deu", "not trained with the language 'deu' .German."),
        ("dep", "eng", "no task 'dep'"),
        ("mlm", "eng", "tags nothing"),
    ],
)
def test_a_cell_outside_the_matrix_is_a_clear_error(make_model, task: str, language: str, message: str) -> None:
    with pytest.raises(HyperXError, match=message):
        make_model().tag(["the cat"], task=task, language=language)


def test_an_unknown_architecture_is_a_clear_error() -> None:
    encoder = ENCODERS["bert"]()
    encoder.config.model_type = "rwkv"
    with pytest.raises(HyperXError, match=r"rwkv.*Add its line to hyperx.backbone.SITES"):
        Backbone(encoder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "can't be read"),
        ("[]", "format_version"),
        ('{"format_version": 9}', "upgrade"),
        ('{"format_version": 1}', "backbone"),
    ],
)
def test_a_broken_config_is_a_clear_error(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(HyperXError, match=message):
        HyperX.from_pretrained(tmp_path)


@pytest.mark.parametrize("method", ["hyperx", "single"])
def test_in_version_1_adapters_read_the_block_alone(tmp_path: Path, method: str) -> None:
    old = {"format_version": 1, "backbone": "b", "method": {"name": method}, "tasks": {}, "languages": []}
    (tmp_path / "config.json").write_text(json.dumps(old))
    assert read_config(tmp_path).method.norm_first is False
    (tmp_path / "config.json").write_text(json.dumps(old | {"format_version": 2}))
    assert read_config(tmp_path).method.norm_first is True


def test_weights_that_do_not_fit_are_a_clear_error(make_model) -> None:
    model = make_model()
    state = model.trained_state()
    state.pop("heads.pos.output.bias")
    with pytest.raises(HyperXError, match=r"heads\.pos\.output\.bias"):
        model.load_trained_state(state)
