"""Starting from a trained model: weights go by name, whatever the new matrix."""

from pathlib import Path

import pytest
import torch

from conftest import shake
from hyperx.config import load_run_config
from hyperx.errors import HyperXError
from hyperx.methods import FinetuneConfig, HyperXConfig, MADXConfig, PSFConfig
from hyperx.modeling import HyperX, ModelConfig
from hyperx.pairs import Pair
from hyperx.run import restrict_vocabulary, train
from hyperx.start import regrow, start_from
from hyperx.tasks import Example, build_task

INPUTS = {"input_ids": torch.arange(5, 23).reshape(2, 9), "attention_mask": torch.ones(2, 9, dtype=torch.long)}
METHODS = [
    HyperXConfig(bottleneck=4, projection_size=6, embedding_size=5),
    MADXConfig(language_bottleneck=6, task_bottleneck=8),
    PSFConfig(latent_size=6, rank=2, num_layers=3),
    FinetuneConfig(),
]


def matrix(model: HyperX, tasks: dict[str, list[str]], languages: list[str], **values: object) -> ModelConfig:
    return model.model_config.model_copy(update={"tasks": tasks, "languages": languages, "trained": [], **values})


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_a_cell_is_served_as_before_whatever_the_order_of_the_matrix(method: object, make_model) -> None:
    old = shake(make_model(method=method))
    usual = {task: build_task(task).labels for task in ("mlm", "ner", "pos")}
    new = regrow(old, matrix(old, usual, ["hau", "yor", "eng"])).eval()
    with torch.inference_mode():
        for pair in (Pair("pos", "yor"), Pair("ner", "eng")):
            hidden, expected = (model.encode([pair], **INPUTS) for model in (new, old))
            assert torch.equal(hidden, expected)
            assert torch.equal(new.head(pair)[0](hidden), old.head(pair)[0](hidden))
    for name, tensor in new.heads["mlm"].state_dict().items():
        assert torch.equal(tensor, old.heads["mlm"].state_dict()[name])


def test_what_is_new_starts_at_the_mean_of_the_known(make_model) -> None:
    old = shake(make_model(method=METHODS[0]))
    labels = {"pos": old.tasks["pos"].labels, "ner": ["O", "B-PER", "I-PER", "B-DATE", "I-DATE"]}
    new = regrow(old, matrix(old, labels, ["hau", "swa"]))
    known, grown = (model.method.hypernetwork.language_embeddings.weight for model in (old, new))
    assert torch.equal(grown[1], known[1])
    torch.testing.assert_close(grown[0], known.mean(0))
    # Labels that the old model had stay where they were, and keep their rows; the new ones are behind.
    assert new.model_config.tasks["ner"] == [*old.tasks["ner"].labels, "B-DATE", "I-DATE"]
    assert torch.equal(new.heads["ner"].output.weight[:7], old.heads["ner"].output.weight)
    assert not new.heads["ner"].output.bias[7:].any()


def test_what_was_seen_of_the_new_matrix_languages_is_noted(make_model) -> None:
    old = make_model()
    old.model_config.trained = ["pos/eng", "ner/swa", "mlm/swa", "mlm/yor"]
    config = matrix(old, {"pos": old.tasks["pos"].labels}, ["eng", "swa"], trained=["pos/swa"])
    assert regrow(old, config).model_config.trained == ["pos/eng", "mlm/swa", "pos/swa"]


def save(model: HyperX, folder: Path) -> ModelConfig:
    model.backbone.encoder.save_pretrained(folder / "encoder")
    model.tokenizer.save_pretrained(folder / "encoder")
    model.model_config.backbone = str(folder / "encoder")
    model.save_pretrained(folder / "model")
    return model.model_config


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"backbone": "builtin:multilingual-e5-small"}, r"its backbone is builtin.*that model's .*encoder"),
        ({"method": HyperXConfig(bottleneck=5)}, r"its method is \{name: hyperx.* bottleneck: 5, .*bottleneck: 4, "),
        ({"method": FinetuneConfig()}, "its method is .name: finetune"),
    ],
)
def test_another_backbone_or_method_is_a_clear_error(
    changed: dict[str, object], message: str, make_model, tmp_path: Path
) -> None:
    config = save(make_model(), tmp_path)
    with pytest.raises(HyperXError, match=message):
        start_from(str(tmp_path / "model"), config.model_copy(update=changed))


def test_a_start_that_is_no_model_is_a_clear_error(make_model, tmp_path: Path) -> None:
    with pytest.raises(HyperXError, match=r"no model folder '\./nothing'"):
        start_from("./nothing", make_model().model_config)


def test_heads_that_are_generated_need_the_same_labels(make_model) -> None:
    old = make_model(method=PSFConfig(latent_size=6, rank=2, num_layers=3))
    labels = {"ner": ["O", "B-DATE", "I-DATE"]}
    with pytest.raises(HyperXError, match=r"method\.means.*labels must be those"):
        regrow(old, matrix(old, labels, ["eng"]))


def test_masked_language_modelling_goes_on_from_what_it_had_learnt(make_model) -> None:
    old = shake(make_model())
    old.heads["mlm"].restrict(torch.tensor([5, 9, 40]), torch.tensor([2, 1, 1]))
    with torch.no_grad():
        old.heads["mlm"].bias += 1
    new = regrow(old, old.model_config)
    restrict_vocabulary(new, {Pair("mlm", "eng"): [Example(0, [5, 7, 7], [0], None)]})
    head = new.heads["mlm"]
    assert head.candidates.tolist() == [5, 7, 9, 40]
    assert torch.equal(head.bias[[0, 2, 3]], old.heads["mlm"].bias)


def test_a_run_goes_on_from_a_trained_model(make_model, tmp_path: Path) -> None:
    old = shake(make_model())
    save(old, tmp_path)
    (tmp_path / "pos.txt").write_text("the\tDET\ncat\tNOUN\n\nmbwa\tNOUN\n\n" * 4)
    (tmp_path / "run.yaml").write_text(f"""
name: few
output: {tmp_path / "few"}
backbone: {tmp_path / "encoder"}
start: {tmp_path / "model"}
method: {{name: hyperx, bottleneck: 4, projection_size: 6, embedding_size: 5}}
data: [{{task: pos, language: yor, train: pos.txt, dev: pos.txt, test: pos.txt, max_sentences: 3, draw: 2}}]
train: {{pos: [yor]}}
training: {{steps: 3, learning_rate: 1e-30, dev_sentences: 0, max_length: 24}}
""")
    model, results = train(load_run_config(tmp_path / "run.yaml"))
    assert results.step == 3
    sentences = ["the cat mbwa", "mbwa"]
    tags = [m.eval().tag(sentences, task="pos", language="yor") for m in (model, old)]
    assert tags[0] == tags[1]
    assert model.model_config.languages == ["yor"]
