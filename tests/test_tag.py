"""Tagging text, from Python and as a user of the command calls it."""

import csv
import json
import os
import tomllib
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from itertools import count, islice
from pathlib import Path
from typing import Any

import conllu
import pytest
from typer.testing import CliRunner

import hyperx
from conftest import ENCODERS, WORDS, Stream, shake, small_disk
from hyperx.backbone import Backbone
from hyperx.cli.app import app
from hyperx.errors import HyperXError
from hyperx.methods import HyperXConfig
from hyperx.modeling import HyperX, ModelConfig
from hyperx.tasks import build_task
from hyperx.text.read import Source, read_text_sentences
from hyperx.text.sentence import TaggedSentence, TaggedText
from hyperx.text.tagger import TextTagger
from hyperx.text.write import SpacyWriter, to_pandas

pytest.importorskip("spacy")

TEXT = "The cat saw Paris. Amina ran home!\nA small dog, near Paris"
CONLLU = "# sent_id = 1\n# language = sw\n1-2\tthecat\t_\t_\t_\t_\t_\t_\t_\tA=b=c|D\n" + "".join(
    f"{n}\t{word}\t_\tX\t_\t_\t0\troot\t_\tNER=B-OLD|Gloss=x=y\n" for n, word in enumerate(WORDS[:4], 1)
)


@pytest.fixture
def model(make_model) -> HyperX:
    model = shake(make_model())
    model.model_config.trained = ["pos/eng", "ner/swa"]
    model.model_config.scores = {"ner/eng": (58.1, 41.0, 75.6), "ner/yor": (50.0, 40.0, 60.0)}
    return model


@pytest.fixture
def folder(model: HyperX, tmp_path: Path) -> Path:
    """The model, saved."""
    model.backbone.encoder.save_pretrained(tmp_path / "encoder")
    model.tokenizer.save_pretrained(tmp_path / "encoder")
    model.model_config.backbone = str(tmp_path / "encoder")
    model.save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def invoke(*arguments: object, text: str = "") -> tuple[str, str]:
    """Return what ``hyperx tag`` prints and what it says."""
    result = CliRunner().invoke(app, ["tag", *map(str, arguments)], input=text)
    if result.exception:
        raise result.exception
    return result.stdout, result.stderr


def flat(tagged: TaggedText | TaggedSentence) -> list[str]:
    sentences = tagged if isinstance(tagged, TaggedText) else [tagged]
    return [tag for sentence in sentences for tag in sentence["pos"].tags]


# From Python


def test_a_string_is_raw_text(model: HyperX) -> None:
    tagged = model.tagger(["pos", "ner"], "en")(TEXT)
    assert [len(sentence) for sentence in tagged] == [5, 4, 6]
    for sentence in tagged:
        assert all(TEXT[start:end] == word for word, (start, end) in zip(sentence.words, sentence.offsets, strict=True))
        assert sentence["ner"].spans is not None
        assert sentence["pos"].spans is None
        assert all(0 < score <= 1 for layer in sentence.layers.values() for score in layer.scores)
        # The words are tagged as words are.
        assert [list(sentence["ner"].tags)] == model.tag([list(sentence.words)], task="ner", language="eng")
    assert tagged[1].text == "Amina ran home!"
    for span in tagged.spans:
        assert TEXT[span.start : span.end] == span.text
    for sentence in tagged:
        for span in sentence.spans:
            tags = sentence["ner"].tags[span.first : span.last]
            assert span.score == min(sentence["ner"].scores[span.first : span.last])
            assert tags == (f"B-{span.label}", *[f"I-{span.label}"] * (span.last - span.first - 1))


def test_what_is_given_decides_what_is_returned(model: HyperX) -> None:
    tagger = model.tagger("pos", "eng")
    words = ["the", "cat"]
    one = tagger(words)
    assert isinstance(one, TaggedSentence)
    assert (one.words, one.offsets, one.text) == (("the", "cat"), ((0, 3), (4, 7)), "the cat")
    assert one.tags == one["pos"].tags
    assert str(one) == " ".join(f"{word}/{tag}" for word, tag in zip(words, one.tags, strict=True))
    assert [sentence.tags for sentence in tagger([words, ["ran"], []])] == [one.tags, tagger(["ran"]).tags, ()]
    assert str(tagger("the cat")) == str(one)
    assert isinstance(tagger(iter([words, "the cat"])), Iterator)
    with pytest.raises(HyperXError, match="word 2 is empty"):
        tagger(["the", " "])
    for wrong, message in ((3, "found int"), ([3], "found int"), ([["the", 3]], "word 2 is no string but int")):
        with pytest.raises(HyperXError, match=message):
            tagger(wrong)
    with pytest.raises(HyperXError, match=r"found one string; model\.tagger\(task, language\)\(text\) tags text"):
        model.tag("the cat", task="pos", language="eng")
    with pytest.raises(HyperXError, match=r'sentence\["pos"\]'):
        _ = model.tagger(["pos", "ner"], "eng")(words).tags
    with pytest.raises(HyperXError, match="no ner tags; it has pos"):
        one["ner"]


def test_an_endless_stream_is_tagged_as_it_comes(model: HyperX) -> None:
    read = count()
    stream = (["the", "cat"] if next(read) % 2 else "A dog. It ran." for _ in count())
    tagger = model.tagger("pos", "eng", batch_size=2)
    first = list(islice(tagger.pipe(stream), 40))
    assert next(read) <= 40 + tagger.window
    assert [isinstance(item, TaggedText) for item in first[:2]] == [True, False]
    assert flat(first[0]) == flat(tagger("A dog. It ran."))
    assert flat(first[39]) == flat(tagger(["the", "cat"]))


def test_load_is_from_pretrained(folder: Path, model: HyperX) -> None:
    loaded = hyperx.load(folder)
    assert loaded.tag(["the cat"], task="pos", language="eng") == model.tag(["the cat"], task="pos", language="eng")


def test_a_folder_without_calibration_still_loads(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    del config["temperatures"], config["scores"]
    (folder / "config.json").write_text(json.dumps(config))
    assert hyperx.load(folder).tagger("pos", "eng")(["the"]).scores[0] > 0
    (folder / "config.json").write_text(json.dumps(config | {"temperatures": {"pos": 0}}))
    with pytest.raises(HyperXError, match=r"temperatures\.pos"):
        hyperx.load(folder)


def test_a_table(model: HyperX) -> None:
    tagged = model.tagger(["pos", "ner"], "eng")(TEXT)
    table = to_pandas(tagged)
    assert list(table["word"]) == list(tagged.words)
    assert table["sentence"].nunique() == 3
    assert list(table["pos"]) == flat(tagged)
    assert table["ner_score"].between(0, 1).all()
    both = to_pandas(model.tagger(["pos", "ner"], "eng").pipe([TEXT, ["two", "words"]]))
    assert list(both["word"]) == [*tagged.words, "two", "words"]
    assert both["sentence"].nunique() == 4


# The command line


def test_raw_text_becomes_conllu(folder: Path, model: HyperX) -> None:
    output, said = invoke(folder, "-i", "text", "-t", "pos,ner", "-l", "en", text=TEXT)
    parsed = conllu.parse(output)
    tagged = model.tagger(["pos", "ner"], "eng")(TEXT)
    assert [sentence.metadata["text"] for sentence in parsed] == [sentence.text for sentence in tagged]
    for tokens, sentence in zip(parsed, tagged, strict=True):
        assert [token["upos"] for token in tokens] == list(sentence["pos"].tags)
        assert [(token["misc"] or {}).get("NER", "O") for token in tokens] == list(sentence["ner"].tags)
        glued = [token["form"] + ("" if "SpaceAfter" in (token["misc"] or {}) else " ") for token in tokens]
        assert "".join(glued).rstrip() == sentence.text
    assert said == "ner/eng is a zero-shot cell; F1 58.1 (41.0–75.6) on its test set\n"


def test_conllu_loses_nothing(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "in.conllu"
    file.write_text(f"{CONLLU}\n{CONLLU.replace('= sw', '= yo')}", encoding="utf-8")
    output, said = invoke(folder, file, "-t", "pos")
    rows = [[line.split("\t") for line in text.split("\n")] for text in (output, file.read_text() + "\n\n")]
    rows = [[row for row in part if row != [""]] for part in rows]
    assert [row[:3] + row[4:] for row in rows[0]] == [row[:3] + row[4:] for row in rows[1]]
    output, _ = invoke(folder, file, "-t", "ner")
    miscs = [line.split("\t")[9] for line in output.splitlines() if line[:2] in ("1\t", "2\t", "3\t", "4\t")]
    assert all("Gloss=x=y" in misc and "B-OLD" not in misc for misc in miscs)
    assert "pos/swa is a zero-shot cell; accuracy not known" in said
    assert "pos/yor" in said


def test_json_lines_in_several_languages_with_what_else_they_hold(folder: Path) -> None:
    rows = [
        {"id": 1, "text": "A dog.  It ran\nhome.", "lang": "en"},
        {"id": 2, "tokens": ["mbwa", "anakimbia"], "lang": "swa"},
        {"id": 3, "text": " ", "lang": "yo"},
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    output, _ = invoke(folder, "-t", "ner", "-t", "pos", "--language-field", "lang", text=text)
    tagged = [json.loads(line) for line in output.splitlines()]
    assert [(row["id"], row["language"], row["text"]) for row in tagged] == [
        (1, "eng", "A dog."),
        (1, "eng", "It ran"),
        (1, "eng", "home."),
        (2, "swa", "mbwa anakimbia"),
        (3, "yor", ""),
    ]
    for row in tagged:
        assert [row["text"][start:end] for start, end in row["offsets"]] == row["tokens"]
        assert len(row["tokens"]) == len(row["pos_tags"]) == len(row["ner_scores"])
        assert all(row["text"][span["start"] : span["end"]] == span["text"] for span in row["ner_spans"])
    assert rows[0]["text"][tagged[1]["start"] :].startswith("It ran")


def test_words_keep_the_text_that_they_were_found_in(folder: Path) -> None:
    texts = ['"The  cat" ran.', "The cat & ran."]
    tokens = [['"', "The", "cat", '"', "ran", "."], ["The", "cat", "ran", "."]]
    lines = [json.dumps({"text": text, "tokens": words}) for text, words in zip(texts, tokens, strict=True)]
    output, _ = invoke(folder, "-t", "pos", "-l", "eng", text="\n".join(lines))
    rows = [json.loads(line) for line in output.splitlines()]
    assert [row["text"] for row in rows] == [texts[0], "The cat ran ."]
    for row, words in zip(rows, tokens, strict=True):
        assert [row["text"][start:end] for start, end in row["offsets"]] == row["tokens"] == words


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.txt", "the cat saw\n\nAmina ran\n"),
        ("a.iob2", "# language = eng\nthe O\ncat O\nsaw O\n\nAmina B-PER\nran O\n"),
        ("b.iob2", "en:the O\nen:cat O\nen:saw O\n\nen:Amina B-PER\nen:ran O\n"),
        (
            "c.iob2",
            "# newdoc id = x\n# text = the cat saw\n1\tthe\tO\t-\n2-3\tcatsaw\tO\t-\n2\tcat\tO\t-\n3\tsaw\tO\t-\n\n"
            "# text = Amina ran\n1\tAmina\tB-PER\t-\n2\tran\tO\t-\n",
        ),
        ("a.tsv", "id\ttokens\tlanguage\n1\tthe cat saw\ten\n2\tAmina ran\teng\n"),
        ("a.jsonl", '{"tokens": ["the", "cat", "saw"]}\n{"words": ["Amina", "ran"]}\n'),
    ],
)
def test_every_input_format_is_found(name: str, text: str, folder: Path, tmp_path: Path, model: HyperX) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    output, _ = invoke(folder, tmp_path / name, "-t", "pos", "-l", "eng", "-f", "iob2")
    expected = model.tag(["the cat saw", "Amina ran"], task="pos", language="eng")
    parts = [[line for line in part.split("\n") if line[0] != "#"] for part in output.strip().split("\n\n")]
    assert [[line.split("\t")[1] for line in part] for part in parts] == expected


@pytest.mark.parametrize("format", ["iob2", "conllu"])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.iob2", "# id = 7\n# language = en\nAmina O\nran O\n"),
        ("a.tsv", "id\ttext\tlanguage\n7\tAmina ran\ten\n"),
        (
            "a.jsonl",
            '{"id": 7, "tokens": ["Amina", "ran"], "language": "en", "of": ["x"], "two": "a\\nb", "no key": 1}\n',
        ),
    ],
)
def test_what_else_was_said_of_a_sentence_is_written_as_comments_that_read_back(
    name: str, text: str, format: str, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    invoke(folder, tmp_path / name, "-t", "pos", "-o", tmp_path / f"out.{format}")
    written = (tmp_path / f"out.{format}").read_text(encoding="utf-8")
    assert [line for line in written.splitlines() if line[0:1] == "#" and "text" not in line] == [
        "# id = 7",
        "# language = en",
    ]
    invoke(folder, tmp_path / f"out.{format}", "-t", "pos", "-o", tmp_path / f"again.{format}")
    assert (tmp_path / f"again.{format}").read_text(encoding="utf-8") == written


def test_a_folder_is_tagged_into_a_folder(folder: Path, tmp_path: Path) -> None:
    texts = tmp_path / "texts"
    (texts / "deep").mkdir(parents=True)
    (texts / "a.b.txt").write_text("the cat .\n", encoding="utf-8")
    (texts / "deep" / "c.conllu").write_text(CONLLU, encoding="utf-8")
    (texts / ".hidden").write_text("no\n", encoding="utf-8")
    for _ in range(2):  # what was written into the folder is not tagged the next time
        invoke(folder, texts, "-t", "pos", "-l", "eng", "-o", texts / "out")
        written = sorted(str(path.relative_to(texts / "out")) for path in (texts / "out").rglob("*") if path.is_file())
        assert written == ["a.b.iob2", "deep/c.conllu"]
    one = tmp_path / "new"
    invoke(folder, texts / "a.b.txt", "-t", "pos", "-l", "eng", "-o", f"{one}/")
    assert [path.name for path in one.iterdir()] == ["a.b.iob2"]
    with pytest.raises(HyperXError, match="is a file, not a folder"):
        invoke(folder, texts / "a.b.txt", "-t", "pos", "-l", "eng", "-o", f"{one / 'a.b.iob2'}/")
    with pytest.raises(HyperXError, match="tagged into itself"):
        invoke(folder, texts / "deep" / "c.conllu", "-t", "pos", "-l", "eng", "-o", texts / "deep")
    (texts / "a.b.md").write_text("x\n", encoding="utf-8")
    with pytest.raises(HyperXError, match="would both be tagged into"):
        invoke(folder, texts, "-t", "pos", "-l", "eng", "-o", tmp_path / "other")


def test_words_are_the_fields_that_columns_have(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "in.iob2"
    for separator in " \t":
        rows = ["# id = 3", "#a=b O", "10\u00a0000 O", "dogs O"]
        file.write_text(
            "\n".join([rows[0], *(row.replace(" ", separator) for row in rows[1:])]) + "\n", encoding="utf-8"
        )
        output, _ = invoke(folder, file, "-t", "pos", "-l", "eng", "-f", "jsonl")
        assert json.loads(output)["tokens"] == ["#a=b", "10\u00a0000", "dogs"]
    for text in ("#language=sw\nmbwa O\n", "#language=sw\nmbwa\n"):
        file.write_text(text, encoding="utf-8")
        output, _ = invoke(folder, file, "-t", "pos", "-f", "jsonl")
        assert json.loads(output) == json.loads(output) | {"language": "swa", "tokens": ["mbwa"]}
    for text in ("#a=b\ndogs\n\n#c=d\n\ncats\n", "#a=b O\ndogs O\n\n#c=d O\n\ncats O\n"):
        file.write_text(text, encoding="utf-8")
        output, _ = invoke(folder, file, "-t", "pos", "-l", "eng", "-f", "jsonl")
        assert [json.loads(line)["tokens"] for line in output.splitlines()] == [["#a=b", "dogs"], ["#c=d"], ["cats"]]
    for text in ("#doc=12\n\ndogs O\n", "#text=the cat\ndogs\tO\n"):  # as long as a line of words, but not as wide
        file.write_text(text, encoding="utf-8")
        output, _ = invoke(folder, file, "-t", "pos", "-l", "eng", "-f", "jsonl")
        assert json.loads(output)["tokens"] == ["dogs"]
    file.write_text("#language=sw O\ndogs O\n", encoding="utf-8")
    with pytest.raises(HyperXError, match="Unknown language 'sw O'"):
        invoke(folder, file, "-t", "pos", "-l", "eng")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("the B-PER\ncat O\n\nran O\n", "--input columns"),
        ("the DET\ncat NOUN\n", "--input columns"),
        ("The cat ran.\nAmina saw Paris.\n", "--input text"),
        ("我住在北京。\n他去了上海。\n", "--input text"),
        ("राम दिल्ली में रहता है।\nवह घर गया।\n", "--input text"),
        ("U.S.A.\n3.\n...\n", ""),
        ("the cat\nran home\n", ""),
        ("The cat ran .\n", ""),
    ],
)
def test_what_is_hardly_a_sentence_of_words_a_line_is_told(folder: Path, tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "in.txt").write_text(text, encoding="utf-8")
    _, error = invoke(folder, tmp_path / "in.txt", "-t", "pos", "-l", "eng")
    assert ("looks like" in error) == bool(told)
    assert told in error.replace("\n", " ")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\nran VBZ B-VP O\n\n", [["EU", "ran"]]),
        ("-DOCSTART-\tO\n\ncat\tO\n", [["cat"]]),
        ("1\tO\n\nEU\tO\nran\tO\n", [["1"], ["EU", "ran"]]),
        ("ps:\tO\n\nEU\tO\nran\tO\n", [["ps:"], ["EU", "ran"]]),
    ],
)
def test_columns_are_told_by_more_than_the_first_sentence(
    folder: Path, tmp_path: Path, text: str, words: list[list[str]]
) -> None:
    (tmp_path / "in.iob2").write_text(text, encoding="utf-8")
    output, _ = invoke(folder, tmp_path / "in.iob2", "-t", "pos", "-l", "eng", "-f", "jsonl")
    assert [json.loads(line)["tokens"] for line in output.splitlines()] == words


def test_columns_of_a_stream_are_tagged_sentence_by_sentence() -> None:
    stream = Stream(b"-DOCSTART- O\n\nEU B-ORG\n\nran O\n\nhome O\n")
    _, sentences = read_text_sentences(stream, Source("stream", "eng"), format="columns")
    assert next(sentences).words == ("EU",)
    assert stream.read() == b"ran O\n\nhome O\n"


def test_standard_output_by_name_and_other_files_that_were_there(folder: Path, tmp_path: Path) -> None:
    expected, _ = invoke(folder, "-t", "pos", "-l", "eng", text="the cat\n")
    for name in ("-", "/dev/stdout"):
        assert invoke(folder, "-t", "pos", "-l", "eng", "-o", name, text="the cat\n")[0] == expected
    output, precious = tmp_path / "out.iob2", tmp_path / "out.iob2.partial"
    precious.write_text("precious")
    output.touch(mode=0o600)
    invoke(folder, "-t", "pos", "-l", "eng", "-o", output, text="the cat\n")
    assert precious.read_text() == "precious"
    assert output.stat().st_mode & 0o777 == 0o600


def test_a_place_that_takes_no_file_is_told(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("the cat\n", encoding="utf-8")
    for place in ("in.txt/out.jsonl", "/proc/out.jsonl"):
        with pytest.raises(HyperXError, match=r"out\.jsonl can't be written: [^;]*; choose another place$"):
            invoke(folder, tmp_path / "in.txt", "-t", "pos", "-l", "eng", "-o", tmp_path / place)


def test_links_are_followed_and_pipes_stay_pipes(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("the cat\n", encoding="utf-8")
    (tmp_path / "link").symlink_to("deep/out.iob2")
    os.mkfifo(tmp_path / "pipe")
    invoke(folder, tmp_path / "in.txt", "-t", "pos", "-l", "eng", "-f", "iob2", "-o", tmp_path / "link")
    expected = (tmp_path / "deep" / "out.iob2").read_bytes()
    assert expected.startswith(b"the\t")
    assert (tmp_path / "link").is_symlink()
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    invoke(folder, tmp_path / "in.txt", "-t", "pos", "-l", "eng", "-f", "iob2", "-o", tmp_path / "pipe")
    assert os.read(reader, 1000) == expected
    os.close(reader)
    assert (tmp_path / "pipe").is_fifo()
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.parametrize("format", ["jsonl", "conllu", "parquet", "spacy"])
def test_a_disk_that_is_full_is_told(folder: Path, tmp_path: Path, format: str) -> None:
    (tmp_path / "in.txt").write_text("".join(f"the cat sat {n}\n" for n in range(2000)), encoding="utf-8")
    target = tmp_path / "out"
    with small_disk() as fill:
        fill()
        with pytest.raises(HyperXError, match=r"out can't be written: .*make room"):
            invoke(folder, tmp_path / "in.txt", "-t", "pos", "-l", "eng", "-f", format, "-o", target)
    assert not list(tmp_path.glob("out*"))


def test_a_name_that_tells_no_format_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("the cat\n", encoding="utf-8")
    arguments = [folder, tmp_path / "in.txt", "-t", "pos", "-l", "eng", "-o", tmp_path / "out.docx"]
    with pytest.raises(HyperXError, match=r"out\.docx tells no format: files end in \.conllu, .*or give --format"):
        invoke(*arguments)
    assert not (tmp_path / "out.docx").exists()
    _, told = invoke(*arguments, "-f", "iob2")
    assert told.splitlines()[-1] == f"Saved in {tmp_path / 'out.docx'}"


def test_a_file_of_nothing_is_told(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("\n", encoding="utf-8")
    assert (
        f"{tmp_path / 'in.txt'} holds no sentence" in invoke(folder, tmp_path / "in.txt", "-t", "pos", "-l", "eng")[1]
    )


def test_an_error_leaves_no_half_file(folder: Path, tmp_path: Path) -> None:
    file, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    file.write_text('{"tokens": ["the"]}\n{"tokens": "the"}\n', encoding="utf-8")
    with pytest.raises(HyperXError, match=r"in\.jsonl:2: the tokens are not a list"):
        invoke(folder, file, "-t", "pos", "-l", "eng", "-o", target)
    assert not list(tmp_path.glob("out*"))


def test_tables_and_spacy_documents(folder: Path, tmp_path: Path, model: HyperX) -> None:
    import pandas
    import spacy
    from spacy.tokens import DocBin

    file = tmp_path / "in.txt"
    file.write_text(TEXT, encoding="utf-8")
    for suffix in ("csv", "parquet", "spacy"):
        invoke(folder, file, "-i", "text", "-t", "pos,ner", "-l", "eng", "-o", tmp_path / f"out.{suffix}")
    tagged = model.tagger(["pos", "ner"], "eng")(TEXT)
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    table = pandas.read_parquet(tmp_path / "out.parquet")
    assert [row["word"] for row in rows] == list(table["word"]) == list(tagged.words)
    assert [row["pos"] for row in rows] == list(table["pos"]) == flat(tagged)
    docs = list(DocBin().from_disk(tmp_path / "out.spacy").get_docs(spacy.blank("en").vocab))
    assert [doc.text.rstrip() for doc in docs] == [sentence.text for sentence in tagged]
    assert [token.pos_ for doc in docs for token in doc] == flat(tagged)
    entities = [[(span.text, span.label_) for span in doc.ents] for doc in docs]
    assert entities == [[(span.text, span.label) for span in sentence.spans] for sentence in tagged]


def test_raw_text_taken_for_words_is_said(folder: Path) -> None:
    _, said = invoke(folder, "-t", "pos", "-l", "eng", text="the cat ran.\n")
    assert "give --input text" in said
    _, said = invoke(folder, "-t", "pos", "-l", "eng", text="the cat ran .\n")
    assert said == ""


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        ("the cat\n", [], r"standard input:1: the sentence names no language under 'language'"),
        ('{"text": "x", "language": "deu"}\n', [], r"standard input:1: .*not trained with the language 'deu'"),
        ('{"text": "x", "language": "english!"}\n', [], r"standard input:1: Unknown language 'english!'"),
        ('{"tokens": ["a"]}\n{"tokens": ["a", ""]}\n', ["-l", "eng"], r"standard input:2: word 2 is empty"),
        ('{"tokens": ["a"]}\n{"tokens"\n', ["-l", "eng"], r"standard input:2: not valid JSON"),
        ("text\tid\nA\t1\nB\n", ["-l", "eng"], r"standard input:3: 1 columns, but the first line names 2"),
        (CONLLU + "5\tword\n", [], r"standard input:8: 2 columns; CoNLL-U has 10"),
        (CONLLU.replace("\n3\t", "\n7\t"), [], r"standard input:6: the word's id is '7', expected 3"),
        ("text\tid\tid\nA\t1\t2\n", ["-l", "eng"], r"standard input:1: two columns are named 'id'"),
        ("the\tO\ncat\tO\n", ["-l", "eng"], r"standard input:1: tabs.*--input columns"),
        (
            "the\nNew York\nran\n",
            ["-l", "eng", "-i", "columns"],
            r"standard input:2: 2 columns, but 1 on most lines; expected a word a line",
        ),
        ("the X O\ncat X O\nran O\n", ["-l", "eng", "-i", "columns"], r"standard input:3: 2 columns, but 3"),
        ("a\0b\n", ["-l", "eng"], r"standard input:1: NUL bytes"),
        ("x\n", ["-l", "eng", "-i", "html"], "no input format 'html'"),
        ("x\n", ["-l", "eng", "-f", "spacy"], "give --output"),
        ("x\n", ["-l", "eng", "-f", "color", "-o", "x.txt"], "colours are for the terminal"),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, arguments: list[str], message: str, folder: Path) -> None:
    with pytest.raises(HyperXError, match=message):
        invoke(folder, "-t", "pos", *arguments, text=text)


# spaCy


def test_the_spacy_component(folder: Path, tmp_path: Path, model: HyperX) -> None:
    import spacy
    from spacy.tokens import DocBin

    entry = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text(encoding="utf-8"))
    ((name, value),) = entry["project"]["entry-points"]["spacy_factories"].items()
    EntryPoint(name, value, "spacy_factories").load()
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("hyperx", config={"model": str(folder), "language": "eng", "tasks": ["pos", "ner"]})
    docs = list(nlp.pipe([TEXT, "", " the  cat "]))
    assert [token.pos_ for token in docs[0] if not token.is_space] == [
        tag for sentence in docs[0].sents for tag in tags_of(model, sentence)
    ]
    assert len(docs[1]) == 0
    assert [bool(token.pos_) for token in docs[2]] == [not token.is_space for token in docs[2]]
    assert 0 < docs[0][0]._.scores["pos"] <= 1
    assert all(0 < span._.scores["ner"] <= 1 for span in docs[0].ents)
    nlp.to_disk(tmp_path / "pipeline")
    assert not list((tmp_path / "pipeline").rglob("*.safetensors"))
    again = spacy.load(tmp_path / "pipeline")(TEXT)
    assert [token.pos_ for token in again] == [token.pos_ for token in docs[0]]
    stored = DocBin(store_user_data=True, docs=[docs[0]]).to_bytes()
    (back,) = DocBin(store_user_data=True).from_bytes(stored).get_docs(nlp.vocab)
    assert back[0]._.scores == docs[0][0]._.scores
    (tmp_path / "pipeline" / "hyperx" / "hyperx.json").write_text("{")
    with pytest.raises(HyperXError, match="save the pipeline again"):
        spacy.load(tmp_path / "pipeline")


@pytest.fixture
def every_task(tokenizer) -> TextTagger:
    """A tagger of tasks of all kinds; `style` is an own one that gives each word a label."""
    kinds = {"style": "pos", "chunk": "spans", "genre": "classification"}
    labels = {"pos": None, "ner": None, "feats": ["Case=", "Case=Nom"], "parse": ["root", "obj", "nsubj"]}
    labels |= {"style": ["low", "high"], "chunk": ["O", "B-NP", "I-NP"], "genre": ["news", "prose"]}
    tasks = {name: build_task(name, own, kinds).labels for name, own in labels.items()}
    method = HyperXConfig(bottleneck=4, projection_size=6, embedding_size=5)
    config = ModelConfig(backbone="bert", method=method, tasks=tasks, kinds=kinds, languages=["eng"], max_length=24)
    return shake(HyperX(config, Backbone(ENCODERS["bert"]()), tokenizer)).tagger(list(tasks), "eng")


def pipeline_of(tagger: TextTagger) -> Any:
    """Return a spaCy pipeline whose component has the tagger, loaded from nowhere."""
    import spacy

    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    config = {"model": "nowhere", "language": "eng", "tasks": list(tagger.taggers)}
    nlp.add_pipe("hyperx", config=config).tagger = tagger
    return nlp


def annotations(doc: Any) -> list[object]:
    words = [(word.pos_, str(word.morph), word.head.i, word.dep_, word._.tags, word._.scores) for word in doc]
    spans = [(span.start, span.end, span.label_, span._.scores) for span in (*doc.ents, *doc.spans["chunk"])]
    return [words, spans, doc.cats, [sentence.start for sentence in doc.sents]]


def test_spacy_has_the_tags_of_every_task_in_both_ways(every_task: TextTagger, tmp_path: Path) -> None:
    from spacy.tokens import Doc, DocBin

    nlp = pipeline_of(every_task)
    writer = SpacyWriter(tmp_path / "out.spacy")
    docs = []
    for words in (WORDS[:9], WORDS[9:13], ["Paris"], WORDS[:13] * 2):
        tagged, doc = every_task(words), nlp(Doc(nlp.vocab, words))
        heads = [0 if word.head == word else word.head.i + 1 for word in doc]
        assert tuple(f"{head}:{word.dep_}" for head, word in zip(heads, doc, strict=True)) == tagged["parse"].tags
        assert [word._.tags for word in doc] == [{"style": tag} for tag in tagged["style"].tags]
        assert tuple(word._.scores["parse"] for word in doc) == tagged["parse"].scores
        assert doc.cats == {tagged["genre"].label: tagged["genre"].scores[0]}
        writer.write([tagged])
        docs.append(doc)
    writer.close()
    stored = DocBin().from_disk(tmp_path / "out.spacy").get_docs(nlp.vocab)
    assert [annotations(doc) for doc in stored] == [annotations(doc) for doc in docs]


def test_trees_go_round_white_space(every_task: TextTagger) -> None:
    nlp = pipeline_of(every_task)
    doc, empty = nlp.pipe([" The  cat saw\n\n a dog.\n Amina  ran home! ", " "])
    again = nlp.get_pipe("hyperx")(doc)  # over the trees that are there
    assert [sentence.text.strip() for sentence in again.sents] == ["The  cat saw\n\n a dog.", "Amina  ran home!"]
    for sentence in again.sents:
        assert [word.head == word for word in sentence].count(True) == 1
    assert [(word.i, word.head.i, word.dep_) for word in again if word.is_space] == [
        (0, 1, "dep"),
        (2, 1, "dep"),
        (5, 4, "dep"),
        (9, 10, "dep"),
        (11, 10, "dep"),
    ]
    assert list(empty.spans["chunk"]) == []


def tags_of(model: HyperX, sentence) -> list[str]:
    words = [token.text for token in sentence if not token.is_space]
    return model.tag([words], task="pos", language="eng")[0]
