"""What becomes of a run whose data is odd: it is trained and scored with a notice, or is one clear error."""

import shutil
from pathlib import Path

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit

from conftest import TAGS, WORDS, columns
from hyperx.config import RunConfig, load_run_config
from hyperx.dataset import load_data
from hyperx.errors import HyperXError
from hyperx.pairs import Pair
from hyperx.plan import plan
from hyperx.run import train

SHORT = ["training.steps=4", "training.eval_steps=2"]


def sentences(path: Path, *rows: tuple[str, str]) -> str:
    """Write sentences, each words and tags separated by spaces."""
    lines = (zip(words.split(), tags.split(), strict=True) for words, tags in rows)
    path.write_text("\n\n".join("\n".join("\t".join(row) for row in own) for own in lines) + "\n")
    return str(path)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    rows = [("Amina ran home", "B-PER O O"), ("the cat", "O O"), ("Yusuf saw Paris", "B-PER O B-LOC")]
    (tmp_path / "none.conllu").write_text("# no sentence\n")
    (tmp_path / "empty.conllu").touch()
    return {
        "one": sentences(tmp_path / "one.iob2", rows[0]),
        "ner": sentences(tmp_path / "ner.iob2", *rows),
        "dates": sentences(tmp_path / "dates.iob2", rows[0], ("ran the day", "O B-DATE I-DATE"), ("day", "B-DATE")),
        "pos": columns(tmp_path / "pos.txt", TAGS, 20),
        "none": str(tmp_path / "none.conllu"),
        "empty": str(tmp_path / "empty.conllu"),
        "blank": sentences(tmp_path / "blank.txt", ("", "")),
    }


def configure(yaml: Path, tmp_path: Path, entries: list[str], chosen: str) -> RunConfig:
    overrides = [f"data=[{', '.join(entries)}]", f"train={chosen}", f"output={tmp_path / 'run'}", *SHORT]
    return load_run_config(yaml, overrides)


def entry(task: str, language: str, **files: str) -> str:
    return f"{{task: {task}, language: {language}, {', '.join(f'{k}: {v}' for k, v in files.items())}}}"


def test_a_pair_with_one_sentence(yaml: Path, tmp_path: Path, files: dict[str, str]) -> None:
    entries = [entry("ner", "eng", train=files["one"], dev=files["one"], test=files["ner"])]
    _, results = train(configure(yaml, tmp_path, entries, "{ner: all}"))
    assert results.row("ner", "eng").sentences == 3


def test_a_pair_whose_dev_set_is_empty(yaml: Path, tmp_path: Path, files: dict[str, str]) -> None:
    (tmp_path / "a.conllu").write_text("1\ta\ta\tX\t_\t_\t0\troot\t_\t_\n\n")
    entries = [
        entry("pos", "eng", train=str(tmp_path / "a.conllu"), dev=files["none"], test=files["pos"]),
        entry("ner", "swa", train=files["ner"], dev=files["ner"], test=files["ner"]),
    ]
    config = configure(yaml, tmp_path, entries, "{pos: all, ner: all}")
    data = load_data(config)
    assert "these pairs have no dev set, so they do not help choose the checkpoint: pos/eng" in data.notices
    _, results = train(config, data=data)
    assert {str(row.pair) for row in results.rows} == {"pos/eng", "ner/swa"}


@pytest.mark.parametrize(("name", "message"), [("blank", r"blank\.txt has no words"), ("empty", r"conllu is empty")])
def test_a_file_of_nothing_is_an_error(
    yaml: Path, tmp_path: Path, files: dict[str, str], name: str, message: str
) -> None:
    entries = [entry("ner", "eng", train=files["ner"], dev=files[name])]
    with pytest.raises(HyperXError, match=message):
        load_data(configure(yaml, tmp_path, entries, "{ner: all}"))


def test_entities_that_are_not_there(yaml: Path, tmp_path: Path, files: dict[str, str]) -> None:
    outside = tmp_path / "treebank.conllu"
    outside.write_text("1\ta\ta\tX\t_\t_\t0\troot\t_\t_\n\n")
    for split in ("train", "test"):  # without the one, the other is trained on
        config = configure(yaml, tmp_path, [entry("ner", "eng", **{split: str(outside)})], "{ner: all}")
        with pytest.raises(
            HyperXError, match=r"treebank\.conllu: every word is O, so there is nothing of ner to learn"
        ):
            load_data(config)
    entries = [entry("ner", "eng", train=files["ner"], dev=str(outside), test=str(outside))]
    notices = load_data(configure(yaml, tmp_path, entries, "{ner: all}")).notices
    for split in ("dev", "test"):
        assert f"every word of the {split} set is O, so that its score tells nothing: ner/eng" in notices


def test_no_dev_set_at_all_takes_the_last_step(yaml: Path, tmp_path: Path, files: dict[str, str]) -> None:
    entries = [entry("ner", "eng", train=files["ner"], test=files["ner"])]
    config = configure(yaml, tmp_path, entries, "{ner: all}")
    data = load_data(config)
    assert "no trained pair has a dev set: the last checkpoint is kept" in data.notices
    _, results = train(config, data=data)
    assert results.step == 4


def test_a_label_that_only_the_test_set_has(yaml: Path, tmp_path: Path, files: dict[str, str]) -> None:
    entries = [entry("ner", "eng", train=files["ner"], dev=files["dates"], test=files["dates"])]
    config = configure(yaml, tmp_path, entries, "{ner: all}")
    data = load_data(config)
    assert "labels of a test set that no training set has, so that none is found: ner/eng DATE 2 times" in data.notices
    model, results = train(config, data=data)
    assert "B-DATE" not in model.tasks["ner"].labels
    assert results.row("ner", "eng").support == 3  # they count as missed


def test_two_files_for_one_pair(yaml: Path, tmp_path: Path, files: dict[str, str]) -> None:
    entries = [entry("ner", "eng", train=files["ner"]), entry("ner", "en", train=files["one"])]
    with pytest.raises(HyperXError, match="two entries of 'data' hold ner/eng; keep one, or join their files"):
        load_data(configure(yaml, tmp_path, entries, "{ner: all}"))


def test_the_same_sentence_in_train_and_test(yaml: Path, tmp_path: Path, files: dict[str, str]) -> None:
    entries = [
        entry("ner", "eng", train=files["ner"], dev=files["one"], test=files["dates"]),
        entry("ner", "swa", test=files["ner"]),  # of another language, and not trained
        entry("pos", "eng", train=files["pos"], test=files["pos"]),
    ]
    notices = load_data(configure(yaml, tmp_path, entries, "{ner: [eng], pos: all}")).notices
    assert "sentences of the dev set that stand in the training set, too: ner/eng 1 of 1" in notices
    assert "sentences of the test set that stand in the training set, too: ner/eng 1 of 3, pos/eng 20 of 20" in notices


def test_a_sentence_that_another_task_was_trained_on(yaml: Path, tmp_path: Path, files: dict[str, str]) -> None:
    tagged = sentences(tmp_path / "tagged.txt", ("Amina ran home", "PROPN VERB NOUN"))
    entries = [
        entry("ner", "eng", train=files["ner"]),
        entry("pos", "eng", train=tagged, test=tagged),
        entry("ner", "swa", test=files["ner"]),
    ]
    notices = load_data(configure(yaml, tmp_path, entries, "{ner: [eng], pos: [eng]}")).notices
    assert "sentences of the test set that stand in another task's training set: pos/eng 1 of 1 in ner/eng" in notices


def test_a_language_without_text(yaml: Path, tmp_path: Path, files: dict[str, str]) -> None:
    entries = [
        entry("ner", "eng", train=files["ner"], dev=files["ner"]),
        entry("ner", "yor", test=files["ner"]),
        entry("ner", "swa", test=files["ner"]),
        entry("mlm", "yor", train=str(yaml.parent / "raw.txt")),
    ]
    config = configure(yaml, tmp_path, entries, "{ner: [eng], mlm: all}")
    (notice,) = load_data(config).notices[-1:]
    assert notice.startswith("swa has no training data at all, so its embedding is random; give raw text (mlm), or")
    static = config.model_copy(update={"method": load_run_config(yaml, ["method={name: single}"]).method})
    assert not any("embedding" in notice for notice in load_data(static).notices)
    with pytest.raises(HyperXError, match="'train' names mlm/swa, but no entry of 'data' holds it"):
        load_data(configure(yaml, tmp_path, entries, "{ner: [eng], mlm: [swa]}"))


def test_raw_text_without_a_word(yaml: Path, tmp_path: Path, files: dict[str, str]) -> None:
    entries = [
        entry("ner", "eng", train=files["ner"]),
        entry("mlm", "yor", train=files["blank"], format="text"),
    ]
    config = configure(yaml, tmp_path, entries, "{ner: all, mlm: all}")
    with pytest.raises(HyperXError, match="mlm/yor is to be trained, but"):
        load_data(config)


def test_raw_text_in_a_script_that_the_vocabulary_lacks(
    yaml: Path,
    tmp_path: Path,
    files: dict[str, str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backbone = Path(shutil.copytree(yaml.parent / "backbone", tmp_path / "backbone"))
    pieces = {piece: number for number, piece in enumerate(["<pad>", "<s>", "</s>", "<unk>", "<mask>", *WORDS])}
    words = Tokenizer(WordLevel(pieces, unk_token="<unk>"))
    words.pre_tokenizer = WhitespaceSplit()
    words.save(str(backbone / "tokenizer.json"))
    raw = tmp_path / "raw.txt"
    entries = [entry("ner", "eng", train=files["ner"]), entry("mlm", "yor", train=str(raw), format="text")]
    config = configure(yaml, tmp_path, entries, "{ner: all, mlm: all}").model_copy(update={"backbone": str(backbone)})
    raw.write_text("漢 字\n" * 5 + "漢 cat\n" + "漢 字\n" * 5)
    model, _ = train(config)
    assert "10 of 11 sentences of mlm/yor are passed over" in caplog.text
    assert all(tensor.isfinite().all() for tensor in model.trained_state().values())
    # The same from the cache, whose blocks may be of nothing.
    caplog.clear()
    monkeypatch.setenv("HYPERX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("hyperx.run.CACHED_BYTES", 0)
    monkeypatch.setattr("hyperx.cache.CHUNK", 3)
    train(config.model_copy(update={"output": tmp_path / "cached"}))
    assert "10 of 11 sentences of mlm/yor are passed over" in caplog.text
    raw.write_text("漢 字\n" * 5)
    with pytest.raises(HyperXError, match=r"raw\.txt: no sentence has a piece of the backbone's vocabulary"):
        train(config.model_copy(update={"output": tmp_path / "none"}))
    monkeypatch.setattr("hyperx.run.CACHED_BYTES", 1000)
    with pytest.raises(HyperXError, match="the text of mlm/yor has no piece of the vocabulary"):
        train(config.model_copy(update={"output": tmp_path / "nothing"}))


def test_a_cell_without_a_test_set_is_named(yaml: Path, tmp_path: Path, files: dict[str, str]) -> None:
    entries = [entry("ner", "eng", train=files["ner"]), entry("ner", "swa", dev=files["ner"])]
    config = configure(yaml, tmp_path, entries, "{ner: [eng]}")
    assert "no test set, so not scored: ner/swa" in load_data(config).notices


def test_words_that_no_piece_spells(yaml: Path, tmp_path: Path) -> None:
    odd = sentences(tmp_path / "odd.iob2", ("\u200b \u0378 \U000e0001", "O B-PER O"), (WORDS[0], "O"))
    entries = [entry("ner", "eng", train=odd, dev=odd, test=odd)]
    _, results = train(configure(yaml, tmp_path, entries, "{ner: all}"))
    assert results.row("ner", "eng").sentences == 2


def test_a_pair_trained_on_its_test_set_is_told_once(yaml: Path, tmp_path: Path, files: dict[str, str]) -> None:
    entries = [entry("ner", "eng", test=files["ner"])]
    config = configure(yaml, tmp_path, entries, "{ner: all}").model_copy(update={"evaluate": {"ner": "all"}})
    data = load_data(config)
    assert [notice for notice in data.notices if "ner/eng" in notice and "dev" not in notice] == [
        "ner/eng has no training set: it is trained on its test set, and not scored"
    ]
    assert len(data.train[Pair("ner", "eng")]) == 3
    assert not data.test


def test_the_test_set_that_is_trained_on_is_taken_from_as_a_training_set_is(
    yaml: Path, tmp_path: Path, files: dict[str, str]
) -> None:
    entries = [entry("ner", "eng", test=files["ner"], max_sentences="2", draw="3")]
    config = configure(yaml, tmp_path, entries, "{ner: all}")
    taken = load_data(config).train[Pair("ner", "eng")]
    other = [entry("ner", "eng", train=files["ner"], max_sentences="2", draw="3")]
    assert taken == load_data(configure(yaml, tmp_path, other, "{ner: all}")).train[Pair("ner", "eng")]
    assert [pair.sentences for pair in plan(config).pairs] == [len(taken)] == [2]


@pytest.mark.parametrize(
    ("train", "evaluate", "message"),
    [
        ("{pos: [], ner: all}", None, "'train' names no language of pos"),
        ("{pos: all}", {"ner": ["eng"]}, "'evaluate' names ner/eng, but no pair of ner is trained"),
        ("{pos: all}", {"ner": ["swa"]}, "'evaluate' names ner/swa, but no entry of 'data' holds it"),
        ("{pos: all, mlm: all}", {"mlm": ["yor"]}, "'evaluate' names mlm/yor, but mlm tags nothing"),
    ],
)
def test_pairs_that_cannot_be_trained_or_scored_are_a_clear_error(
    train: str, evaluate: dict[str, list[str]] | None, message: str, yaml: Path, tmp_path: Path, files: dict[str, str]
) -> None:
    entries = [
        entry("pos", "eng", train=files["pos"]),
        entry("ner", "eng", test=files["ner"]),
        entry("mlm", "yor", train=str(yaml.parent / "raw.txt")),
    ]
    config = configure(yaml, tmp_path, entries, train).model_copy(update={"evaluate": evaluate})
    with pytest.raises(HyperXError, match=message):
        load_data(config)
