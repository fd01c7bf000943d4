"""The corpora known by name: the packaged one, those on disk, on the Hub, and UD 2.7 from its archive."""

import gzip
import io
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from hyperx.config import load_run_config
from hyperx.data.catalog import languages as languages_of
from hyperx.data.catalog import load_splits, starter_split
from hyperx.data.hub import load_hub
from hyperx.dataset import load_data
from hyperx.errors import HyperXError
from hyperx.pairs import Pair


def test_the_starter_corpus_is_parallel_and_split_alike() -> None:
    at_hand = languages_of("starter", "pos")
    assert len(at_hand) >= 8
    expected = {split: sum(starter_split(n) == split for n in range(1, 121)) for split in ("train", "dev", "test")}
    shapes = {"Latn": "a", "Cyrl": "а", "Arab": "ا", "Deva": "क", "Hani": "的"}
    scripts = set()
    for language in at_hand:
        tagged = load_splits("starter", "pos", language)
        entities = load_splits("starter", "ner", language)
        assert {split: len(sentences) for split, sentences in tagged.items()} == expected
        for split in expected:
            assert [s.words for s in tagged[split]] == [s.words for s in entities[split]]
        types = {tag[2:] for s in entities["test"] for tag in s.tags or () if tag != "O"}
        assert types == {"PER", "ORG", "LOC"}
        text = "".join(word for s in tagged["train"] for word in s.words)
        scripts |= {script for script, letter in shapes.items() if letter in text}
    assert scripts == set(shapes)


def test_no_starter_sentence_is_in_two_splits() -> None:
    for language in languages_of("starter", "pos"):
        splits = load_splits("starter", "pos", language)
        words = [sentence.words for sentences in splits.values() for sentence in sentences]
        assert len(set(words)) == len(words) == 120


@pytest.mark.parametrize(
    ("corpus", "task", "count", "language", "sizes"),
    [
        ("masakhane-pos", "pos", 20, "wol", {"train": 782, "dev": 156, "test": 625}),
        ("masakhane-ner", "ner", 20, "wol", {"train": 4593, "dev": 656, "test": 1312}),
        ("uner", "ner", 1, "eng", {"train": 1800, "dev": 201, "test": 2077}),
    ],
)
def test_corpora_on_disk(data: Path, corpus: str, task: str, count: int, language: str, sizes: dict[str, int]) -> None:
    assert len(languages_of(corpus, task, data)) == count
    splits = load_splits(corpus, task, language, root=data, label_map={"DATE": "O"})
    assert {split: len(sentences) for split, sentences in splits.items()} == sizes


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder laid out as the Hub's repositories are."""
    monkeypatch.setenv("HYPERX_HUB", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    return tmp_path / "hub"


def publish(folder: Path, config: str, rows: list[dict], splits: list[str], features: dict | None = None) -> None:
    """Write a data set as parquet files, with the front matter that names its configuration."""
    from datasets import Dataset, Features

    files = []
    for split in splits:
        path = folder / config / f"{split}-00000-of-00001.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        Dataset.from_list(rows, features=Features(features) if features else None).to_parquet(str(path))
        files.append({"split": split, "path": f"{config}/{split}-*"})
    card = yaml.safe_dump({"configs": [{"config_name": config, "data_files": files}]})
    (folder / "README.md").write_text(f"---\n{card}---\n", encoding="utf-8")


def test_wikiann_from_the_hub(hub: Path) -> None:
    from datasets import ClassLabel, List, Value

    names = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]
    rows = [{"tokens": ["Wole", "Soyinka", "ni", "Abeokuta"], "ner_tags": [1, 2, 0, 5], "langs": ["yo"] * 4}]
    features = {
        "tokens": List(Value("string")),
        "ner_tags": List(ClassLabel(names=names)),
        "langs": List(Value("string")),
    }
    publish(hub / "unimelb-nlp" / "wikiann", "yo", rows, ["train", "validation", "test"], features)
    splits = load_splits("wikiann", "ner", "yor", label_map={"LOC": "O"})
    assert [len(splits[split]) for split in ("train", "dev", "test")] == [1, 1, 1]
    assert splits["dev"][0].tags == ("B-PER", "I-PER", "O", "O")


def test_wikipedia_from_the_hub(hub: Path) -> None:
    rows = [{"id": "1", "text": "Ọyọ jẹ́ ìlú kan. Ó wà ní Nàìjíríà.\n\nItan\nIlu nla ni."}]
    publish(hub / "wikimedia" / "wikipedia", "20231101.yo", rows, ["train"])
    splits = load_splits("wikipedia", "mlm", "yor")
    assert [" ".join(s.words) for s in splits["train"]] == ["Ọyọ jẹ́ ìlú kan.", "Ó wà ní Nàìjíríà.", "Ilu nla ni."]
    assert splits["train"][0].tags is None


@pytest.mark.parametrize(
    ("language", "code", "text", "sentences"),
    [
        (
            "zho",
            "zh",
            "北京是中国的首都。它位于“华北平原。”人口超过 2100 万！？\n历史\n参考文献\n上海是最大的城市",
            ["北京是中国的首都。", "它位于“华北平原。”", "人口超过 2100 万！？", "上海是最大的城市"],
        ),
        ("yue", "zh-yue", "香港係中國一個特別行政區。好大。", ["香港係中國一個特別行政區。"]),
        (
            "eng",
            "en",
            "The U.S. has 3.5 million cats. See example.com for more! J. R.R. Smith lived (c. 1990) there.",
            ["The U.S. has 3.5 million cats.", "See example.com for more!", "J. R.R. Smith lived (c. 1990) there."],
        ),
        (
            "eng",
            "en",
            'She answered "yes, of course." Then he left the room (it was late.) Nobody saw "the U.S. army" there.',
            [
                'She answered "yes, of course."',
                "Then he left the room (it was late.)",
                'Nobody saw "the U.S. army" there.',
            ],
        ),
        ("san", "sa", "रामः वनं गच्छति।सीता अपि गच्छति॥", ["रामः वनं गच्छति।", "सीता अपि गच्छति॥"]),
        ("ara", "ar", "كيف حالك يا صديقي؟ أنا بخير اليوم.", ["كيف حالك يا صديقي؟", "أنا بخير اليوم."]),
    ],
)
def test_where_wikipedias_sentences_end(hub: Path, language: str, code: str, text: str, sentences: list[str]) -> None:
    publish(hub / "wikimedia" / "wikipedia", f"20231101.{code}", [{"id": "1", "text": text}], ["train"])
    assert [" ".join(s.words) for s in load_splits("wikipedia", "mlm", language)["train"]] == sentences


def test_a_treebank_of_the_hub_in_a_runs_configuration(hub: Path, tmp_path: Path) -> None:
    from datasets import ClassLabel, List, Value

    names = ["NOUN", "ADP", "DET", "_"]
    rows = [{"tokens": ["du", "de", "le", "chat"], "upos": [3, 1, 2, 0]}]
    features = {"tokens": List(Value("string")), "upos": List(ClassLabel(names=names))}
    publish(hub / "universal-dependencies" / "universal_dependencies", "fr_gsd", rows, ["train", "test"], features)
    entry = "hub: universal-dependencies/universal_dependencies, config: fr_gsd, task: pos, language: fr, dev: null"
    path = tmp_path / "run.yaml"
    path.write_text(f"name: hub\ndata:\n  - {{{entry}}}\ntrain: {{pos: all}}\n", encoding="utf-8")
    data = load_data(load_run_config(path))
    (sentence,) = data.train[Pair("pos", "fra")]
    assert sentence.words == ("de", "le", "chat")  # not the multiword token
    assert sentence.tags == ("ADP", "DET", "NOUN")
    assert Pair("pos", "fra") not in data.dev


def test_a_data_set_that_is_not_there_is_one_clear_error(hub: Path) -> None:
    with pytest.raises(HyperXError, match=r"unimelb-nlp/wikiann.* can't be loaded from the Hub.*HYPERX_HUB"):
        load_splits("wikiann", "ner", "yor")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on loopback, where the archive of UD 2.7 is looked for."""
    folder = tmp_path / "served"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HYPERX_UD27", f"http://127.0.0.1:{server.server_port}/ud-treebanks-v2.7.tgz")
    monkeypatch.setenv("HYPERX_CACHE", str(tmp_path / "cache"))
    yield folder
    server.shutdown()
    server.server_close()


TREE = "# sent_id = 1\n1\tÀwọn\t_\tDET\t_\t_\t2\tdet\t_\t_\n2\tọmọ\t_\tNOUN\t_\t_\t0\troot\t_\t_\n\n"


def test_of_several_treebanks_one_is_read_and_the_others_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name, word in (("YTB", "ọmọ"), ("Second", "ilé")):
        folder = tmp_path / "ud" / f"UD_Yoruba-{name}"
        folder.mkdir(parents=True)
        (folder / f"yo_{name.lower()}-ud-test.conllu").write_text(TREE.replace("ọmọ", word), encoding="utf-8")
    (sentence,) = load_splits("ud", "pos", "yor", root=tmp_path)["test"]
    assert sentence.words == ("Àwọn", "ilé")
    assert (
        "yor has several treebanks: UD_Yoruba-Second is read; an entry of files can name UD_Yoruba-YTB" in caplog.text
    )


def test_a_treebanks_split_may_be_in_several_files(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "ud" / "UD_Yoruba-Long"
    folder.mkdir(parents=True)
    for part, word in (("train-a-2", "ilé"), ("train-a-1", "ọmọ"), ("test", "ìwé")):
        (folder / f"yo_long-ud-{part}.conllu").write_text(TREE.replace("ọmọ", word), encoding="utf-8")
    splits = load_splits("ud", "pos", "yor", root=tmp_path)
    assert {split: [s.words[1] for s in sentences] for split, sentences in splits.items()} == {
        "train": ["ọmọ", "ilé"],
        "test": ["ìwé"],
    }
    assert not caplog.text
    for number in (1, 2):
        (folder / f"yo_long-ud-train-a-{number}.conllu").rename(folder / f"yo_long-part{number}.conllu")
    assert list(load_splits("ud", "pos", "yor", root=tmp_path)) == ["test"]
    assert "passed over are yo_long-part1.conllu, yo_long-part2.conllu" in caplog.text


def archive(path: Path, members: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, text in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            tar.addfile(info, io.BytesIO(text.encode()))
    path.write_bytes(gzip.compress(buffer.getvalue()))
    return path.read_bytes()


def test_ud_27_from_its_archive(served: Path, tmp_path: Path) -> None:
    folder = "ud-treebanks-v2.7/UD_Yoruba-YTB"
    members = {f"{folder}/yo_ytb-ud-test.conllu": TREE, f"{folder}/README.md": "no", "../UD_Yoruba-YTB/x.conllu": TREE}
    archive(served / "ud-treebanks-v2.7.tgz", members)
    splits = load_splits("ud-2.7", "pos", "yor")
    assert {split: len(sentences) for split, sentences in splits.items()} == {"test": 1}
    assert not (tmp_path / "UD_Yoruba-YTB").exists()
    assert not list(tmp_path.rglob("README.md"))
    (served / "ud-treebanks-v2.7.tgz").unlink()
    assert load_splits("ud-2.7", "pos", "yor") == splits  # a second time without the network
    with pytest.raises(HyperXError, match="held no UD_Maltese-MUDT"):
        load_splits("ud-2.7", "pos", "mlt")


def test_an_archive_that_another_process_was_faster_to_get(
    served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = "ud-treebanks-v2.7/UD_Yoruba-YTB"
    archive(served / "ud-treebanks-v2.7.tgz", {f"{folder}/yo_ytb-ud-test.conllu": TREE})
    real = tarfile.open

    def late(**how: object):  # type: ignore[no-untyped-def]
        treebank = tmp_path / "cache" / "ud-2.7" / "UD_Yoruba-YTB"
        treebank.mkdir(parents=True)
        (treebank / "yo_ytb-ud-test.conllu").write_text(TREE * 2, encoding="utf-8")
        return real(**how)

    monkeypatch.setattr("hyperx.data.archive.tarfile.open", late)
    assert len(load_splits("ud-2.7", "pos", "yor")["test"]) == 2
    assert [path.name for path in (tmp_path / "cache").glob("ud-2.7*")] == ["ud-2.7"]


def test_an_address_that_is_none(served: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYPERX_UD27", "archive.tgz")
    with pytest.raises(HyperXError, match=r"can't be downloaded from archive\.tgz: .*file:///its/path"):
        load_splits("ud-2.7", "pos", "yor")


def test_hidden_labels_are_no_class(hub: Path) -> None:
    from datasets import ClassLabel, List, Value

    features = {"tokens": List(Value("string")), "ner_tags": List(ClassLabel(names=["O", "B-PER"]))}
    rows = [{"tokens": ["Amina", "ran"], "ner_tags": [1, 0]}, {"tokens": ["home"], "ner_tags": [-1]}]
    publish(hub / "unimelb-nlp/wikiann", "yo", rows, ["train"], features)
    with pytest.raises(HyperXError, match=r"wikiann/yo/train, row 2: .*ner_tags has classes without a name"):
        load_hub("unimelb-nlp/wikiann", "yo", task="ner", splits={"train": "train"})


def test_a_download_that_breaks_off_leaves_nothing(served: Path, tmp_path: Path) -> None:
    path = served / "ud-treebanks-v2.7.tgz"
    path.write_bytes(archive(path, {"ud/UD_Yoruba-YTB/yo_ytb-ud-test.conllu": TREE * 1000})[:300])
    with pytest.raises(HyperXError, match="can't be downloaded"):
        load_splits("ud-2.7", "pos", "yor")
    assert not list((tmp_path / "cache").glob("ud-2.7*"))
