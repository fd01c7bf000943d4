"""Mixed batches give what a tagger of each pair gives."""

from collections.abc import Callable

import pytest
import torch

from conftest import ENCODERS, WORDS, shake
from hyperx.backbone import Backbone
from hyperx.data.sentence import Sentence
from hyperx.errors import HyperXError
from hyperx.methods import FinetuneConfig, HyperXConfig, MADXConfig, PSFConfig, SingleConfig
from hyperx.mixed_tagging import MixedTagger, Row
from hyperx.modeling import HyperX, ModelConfig
from hyperx.pairs import Pair
from hyperx.tasks import Example, build_task

METHODS = {
    "hyperx": HyperXConfig(bottleneck=4, projection_size=6, embedding_size=5),
    "hyperx-layer-norm": HyperXConfig(bottleneck=4, projection_size=6, embedding_size=5, layer_norm=True),
    "hyperx-skip-last": HyperXConfig(bottleneck=4, projection_size=6, embedding_size=5, skip_last_layer=True),
    "single": SingleConfig(bottleneck=4),
    "madx": MADXConfig(language_bottleneck=6, task_bottleneck=8),
    "finetune": FinetuneConfig(),
    "psf": PSFConfig(latent_size=6, rank=2, num_layers=2),
}
PAIRS = [Pair(task, language) for task in ("pos", "ner") for language in ("eng", "swa", "yor")]
# Of many lengths, some of several chunks.
SENTENCES = [
    (PAIRS[number % len(PAIRS)], Sentence(tuple((WORDS * 3)[number % 7 : number % 7 + 1 + 5 * number % 31])))
    for number in range(23)
]


def one_pair_at_a_time(model: HyperX, sentences: list[tuple[Pair, Sentence]]) -> list[torch.Tensor]:
    """A forward a chunk, with the pair's adapters and its head in float32."""
    model.eval()
    scores = []
    for pair, sentence in sentences:
        task = model.tasks[pair.task]
        parts = []
        for example in task.encode(
            [Sentence(sentence.words)], model.tokenizer, max_length=model.model_config.max_length
        ):
            input_ids = torch.tensor([example.input_ids])
            with torch.inference_mode():
                hidden = model.encode([pair], input_ids, torch.ones_like(input_ids)).float()
                parts += task.score(model.head(pair)[0], hidden, [example.positions])
        scores.append(task.join(parts))
    return scores


@pytest.mark.parametrize("name", METHODS)
def test_it_equals_one_pair_at_a_time(name: str, make_model: Callable[..., HyperX]) -> None:
    model = shake(make_model(method=METHODS[name]))
    expected = one_pair_at_a_time(model, SENTENCES)
    assert any(len(list(MixedTagger(model).encode(one[0], [one[1]]))) > 1 for one in SENTENCES)
    assert name in ("single", "finetune") or not torch.allclose(expected[0][:1], expected[1][:1])  # pairs differ
    for tagger in (MixedTagger(model, batch_size=8), MixedTagger(model, max_tokens=50, cached_pairs=2)):
        for scores, own in zip(tagger.scores(SENTENCES), expected, strict=True):
            torch.testing.assert_close(scores, own, atol=1e-5, rtol=1e-5)


def test_tasks_that_are_no_tags_share_batches(tokenizer) -> None:  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    labels = {"pos": None, "parse": ["root", "nsubj", "obj"], "classification": ["a", "b"], "feats": None}
    config = ModelConfig(
        backbone="bert",
        method=METHODS["hyperx"],
        tasks={task: build_task(task, own).labels for task, own in labels.items()},
        languages=["eng", "swa"],
        max_length=24,
    )
    model = shake(HyperX(config, Backbone(ENCODERS["bert"]()), tokenizer))
    sentences = [
        (Pair(task, language), Sentence(tuple(WORDS[: 3 + n])))
        for n in range(3)
        for task in labels
        for language in ("eng", "swa")
    ]
    for (pair, _), scores, own in zip(
        sentences, MixedTagger(model).scores(sentences), one_pair_at_a_time(model, sentences), strict=True
    ):
        torch.testing.assert_close(scores, own, atol=1e-5, rtol=1e-5)
        assert model.tasks[pair.task].decode(scores) == model.tasks[pair.task].decode(own)


def test_matrices_are_kept_in_the_backbones_dtype(make_model: Callable[..., HyperX]) -> None:
    model = shake(make_model())
    model.backbone.compute_in(torch.bfloat16)
    tagger = MixedTagger(model)
    for scores, own in zip(tagger.scores(SENTENCES), one_pair_at_a_time(model, SENTENCES), strict=True):
        torch.testing.assert_close(scores, own, atol=0.05, rtol=0.05)
    (layer,) = tagger._cache[PAIRS[0]].adapters.layers[0].adapters
    assert layer.down.dtype == torch.bfloat16
    for one in SENTENCES:  # where batches are the same, so is all else
        if len(tagger.encode(one[0], [one[1]])) == 1:
            assert torch.equal(tagger.scores([one])[0], one_pair_at_a_time(model, [one])[0])


def test_adapters_are_written_once_and_the_least_recent_forgotten(make_model: Callable[..., HyperX]) -> None:
    model = shake(make_model())
    written: list[Pair] = []
    adapters = model.adapters
    model.adapters = lambda pairs: (written.extend(pairs), adapters(pairs))[1]  # type: ignore[method-assign]
    tagger = MixedTagger(model, cached_pairs=2)
    sentence = Sentence(("the", "cat"))
    for pair in (PAIRS[0], PAIRS[1], PAIRS[0], PAIRS[2], PAIRS[0], PAIRS[1]):
        tagger.scores([(pair, sentence)])
    assert written == [PAIRS[0], PAIRS[1], PAIRS[2], PAIRS[1]]


def test_batches_keep_to_their_budgets(make_model: Callable[..., HyperX]) -> None:
    tagger = MixedTagger(make_model(), batch_size=4, max_tokens=40)
    lengths = [3, 41, 7, 20, 5, 5, 5, 5, 90, 12, 1]
    rows = [Row(PAIRS[0], Example(0, [7] * length, [], None)) for length in lengths]
    batches = tagger.batches(rows)
    assert sorted(number for batch in batches for number in batch) == list(range(len(rows)))
    for batch in batches:
        longest = max(lengths[number] for number in batch)
        assert len(batch) == 1 or (len(batch) <= 4 and longest * len(batch) <= 40)
    assert [lengths[number] for batch in batches for number in batch] == sorted(lengths, reverse=True)


def test_what_is_outside_the_matrix_is_refused(make_model: Callable[..., HyperX]) -> None:
    tagger = MixedTagger(make_model())
    sentence = Sentence(("the",))
    with pytest.raises(HyperXError, match="no task 'parse'"):
        tagger.scores([(Pair("parse", "eng"), sentence)])
    with pytest.raises(HyperXError, match="tags nothing"):
        tagger.scores([(Pair("mlm", "eng"), sentence)])
    with pytest.raises(HyperXError, match="not trained with the language 'tur'"):
        tagger.scores([(Pair("pos", "tur"), sentence)])
    assert tagger.scores([]) == []
