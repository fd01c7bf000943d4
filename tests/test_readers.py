"""Every format, every way that a file can be wrong, and the real files."""

import json
from pathlib import Path

import pytest

from hyperx.data.check import check_file, collected_notices
from hyperx.data.labels import find_scheme, map_tag, to_iob2
from hyperx.data.read import detect_format, read_sentences
from hyperx.errors import HyperXError

CONLLU = """# sent_id = 1
# text = Vámonos al mar
1-2\tVámonos\t_\t_\t_\t_\t_\t_\t_\t_
1\tVamos\tir\tVERB\t_\t_\t0\troot\t_\t_
2\tnos\tnosotros\tPRON\t_\t_\t1\tobj\t_\t_
2.1\tya\tya\tADV\t_\t_\t_\t_\t_\t_
3\tMadrid\tMadrid\tPROPN\t_\t_\t1\tobl\t_\tNER=B-LOC|SpaceAfter=No

# sent_id = 2
1\tSí\tsí\tINTJ\t_\t_\t0\troot\t_\t_
"""


def write(folder: Path, text: str | bytes, name: str = "data.txt") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(path: Path, task: str = "ner", **options) -> list[tuple[tuple[str, ...], tuple[str, ...] | None]]:
    return [(sentence.words, sentence.tags) for sentence in read_sentences(path, task=task, **options)]


def test_conllu_tags_belong_to_syntactic_words(tmp_path: Path) -> None:
    path = write(tmp_path, CONLLU, "a.conllu")
    assert read(path, "pos") == [(("Vamos", "nos", "Madrid"), ("VERB", "PRON", "PROPN")), (("Sí",), ("INTJ",))]
    assert read(path, "ner") == [(("Vamos", "nos", "Madrid"), ("O", "O", "B-LOC")), (("Sí",), ("O",))]
    assert read(path, "mlm")[0] == (("Vamos", "nos", "Madrid"), None)


@pytest.mark.parametrize(
    "text",
    [
        "Amina B-PER\nran O\n\nhome O\n",
        "\ufeffAmina\tB-PER\r\nran\tO\r\n\r\nhome\tO",
        "-DOCSTART- O\n\nAmina X Y B-PER\nran X Y O\n\n\nhome X Y O\n".replace("-DOCSTART- O", "-DOCSTART- X Y O"),
        "# id = 1\n1\tAmina\tB-PER\t-\tx\n2\tran\tO\t-\tx\n\n# id = 2\n1\thome\tO\t-\tx\n",
        "sw:Amina B-PER\nsw:ran O\n\nsw:home O\n",
    ],
    ids=["spaces", "tabs, BOM and CRLF", "CoNLL-2003", "Universal NER", "WikiANN"],
)
def test_columns(tmp_path: Path, text: str) -> None:
    assert read(write(tmp_path, text)) == [(("Amina", "ran"), ("B-PER", "O")), (("home",), ("O",))]


def test_a_hash_may_be_a_word(tmp_path: Path) -> None:
    assert read(write(tmp_path, "# SYM\n5 NUM\n"), "pos") == [(("#", "5"), ("SYM", "NUM"))]
    for separator in " \t":
        text = f"# id = 1\n#a=b{separator}SYM\n5{separator}NUM\n"
        assert read(write(tmp_path, text), "pos") == [(("#a=b", "5"), ("SYM", "NUM"))]
        text = f"#a=b{separator}O\ndogs{separator}O\n\n#c=d{separator}O\n\ncats{separator}O\n"
        assert [words for words, _ in read(write(tmp_path, text), "mlm", format="columns")] == [
            ("#a=b", "dogs"),
            ("#c=d",),
            ("cats",),
        ]
    assert read(write(tmp_path, "#id=7\n# label = NOUN\n5 NUM\n"), "pos") == [(("5",), ("NUM",))]


def test_ragged_columns_are_reported(tmp_path: Path) -> None:
    text = "a\tx\tDET\nb\tNOUN\n\nc\tx\tNOUN\n"
    assert "2:" in (check_file(write(tmp_path, text)).error or "")


def test_the_tag_column_is_found_or_given(tmp_path: Path) -> None:
    path = write(tmp_path, "Amina PROPN B-PER\nran VERB O\n")
    assert read(path, "ner")[0][1] == ("B-PER", "O")
    assert read(path, "pos")[0][1] == ("PROPN", "VERB")
    assert read(path, "pos", tag_column=2)[0][1] == ("PROPN", "VERB")


@pytest.mark.parametrize(
    ("text", "words", "notice"),
    [
        (
            "1\tI\tO\n2-3\tdon't\t_\n2\tdo\tO\n2.1\tempty\tO\n3\tn't\tO\n\n1\tYes\tO\n",
            [("I", "do", "n't"), ("Yes",)],
            None,
        ),
        ("1990 CD O\n20 CD O\n", [("1990", "20")], "numbers that don't count the words"),
        ("sw:Amina B-PER\nsw: O\nsw:home O\n", [("Amina", "home")], "data.txt:2: a tag without a word"),
        ("a O B-X O\nb O I-X O\n", [("a", "b")], "columns 2, 3 and 4 hold ner tags; 4 is read, say tag_column"),
    ],
    ids=["ranges and empty nodes", "numbers", "a prefix alone", "several columns of tags"],
)
def test_what_most_lines_have_is_the_layout(
    tmp_path: Path, text: str, words: list[tuple[str, ...]], notice: str | None
) -> None:
    with collected_notices() as notices:
        assert [found for found, _ in read(write(tmp_path, text))] == words
    assert len(notices) == (notice is not None)
    assert not notice or notice in notices[0]


def test_json_lines_and_text(tmp_path: Path) -> None:
    line = json.dumps({"tokens": ["Amina", "ran"], "ner_tags": ["B-PER", "O"]})
    path = write(tmp_path, line + "\n", "a.jsonl")
    assert read(path) == [(("Amina", "ran"), ("B-PER", "O"))]
    assert read(write(tmp_path, "Amina ran\n\nhome\n"), "mlm") == [(("Amina", "ran"), None), (("home",), None)]
    assert detect_format(path, task="ner") == "jsonl"


@pytest.mark.parametrize(
    ("tags", "scheme", "iob2"),
    [
        (["I-PER", "I-PER", "B-PER", "O", "I-LOC"], "IOB1", ["B-PER", "I-PER", "B-PER", "O", "B-LOC"]),
        (["B-PER", "I-PER", "O", "B-LOC", "B-LOC"], "IOB2", ["B-PER", "I-PER", "O", "B-LOC", "B-LOC"]),
        (["B-PER", "I-PER", "E-PER", "S-LOC", "O"], "IOBES", ["B-PER", "I-PER", "I-PER", "B-LOC", "O"]),
        (["B-PER", "L-PER", "U-LOC", "O"], "IOBES", ["B-PER", "I-PER", "B-LOC", "O"]),
    ],
)
def test_schemes(tags: list[str], scheme: str, iob2: list[str]) -> None:
    assert find_scheme([tags]) == scheme
    assert to_iob2(tags, scheme) == iob2


def test_label_maps(tmp_path: Path) -> None:
    path = write(tmp_path, "Amina B-PER\nMonday B-DATE\nmorning I-DATE\n")
    assert read(path, label_map={"DATE": "O", "PER": "PERSON"})[0][1] == ("B-PERSON", "O", "O")
    assert map_tag("ADP", {"ADP": "X"}) == "X"
    with pytest.raises(
        HyperXError, match=r"data\.txt:1, word 3 \('morning'\): with the label map 'I-DATE' goes on no entity"
    ):
        read(path, label_map={"B-DATE": "O"})
    with collected_notices() as notices:
        read(path, label_map={"DAET": "O", "PER": "PERSON"})
        read(write(tmp_path, "cat NOUN\n"), "pos", label_map={"NOUN": "X"})
    assert notices == [f"{path}: the label map's 'DAET' renames nothing"]


def test_a_slip_in_iob2_is_mended_and_said(tmp_path: Path) -> None:
    path = write(tmp_path, "Amina B-PER\nin O\nNew I-LOC\nYork I-LOC\n\nB B-PER\nC B-PER\n")
    with collected_notices() as notices:
        assert read(path)[0][1] == ("B-PER", "O", "B-LOC", "I-LOC")
    assert len(notices) == 1
    assert "data.txt:1, word 3 ('New')" in notices[0]


BAD = {
    "a b c\n": "none of the 3 columns holds ner tags",
    "Amina B-PER\nran\n": ":2: 1 columns, but 2 on most lines",
    "Amina B-PER\nNew York\tO\nhome O\n": ":2: a tab, but most lines are separated by spaces",
    "Amina\tO\nran O\nhome\tO\n": ":2: 1 columns, but 2 on most lines; expected a word and its tag separated by a tab",
    "sw:Amina B-PER\nran O\nsw:home O\n": ":2: the word 'ran' is not written as the others are",
    "1\ta\tO\n3\tb\tO\n\n1\tc\tO\n2\td\tO\n": ":2: the word's id is '3', expected 2",
    "Amina PER\n": "'PER' is not an entity tag",
    "Amina B-PER\nran E-LOC\n": "the scheme IOBES or BILOU, which the file breaks",
    "": "is empty",
    "\n\n": "has no words",
    b"Amina B-PER\n\xff\xfe O\n": ":2: not UTF-8",
    b"A\0m B-PER\n": ":1: NUL bytes",
    b"x" * 10_000_000: ":1: the line is longer than 1,000,000 bytes",
}


@pytest.mark.parametrize(("text", "message"), BAD.items(), ids=[str(key[:12]) for key in BAD])
def test_what_is_wrong_is_said_with_file_and_line(tmp_path: Path, text: str | bytes, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(HyperXError) as error:
        read(path)
    assert message in str(error.value)
    assert str(path) in str(error.value)
    assert check_file(path, task="ner").error == str(error.value)


def test_more_that_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(HyperXError, match="is a directory"):
        read(tmp_path)
    write(tmp_path, "a O\n", "train.txt")
    with pytest.raises(HyperXError, match=r"did you mean .*train\.txt"):
        read(tmp_path / "trian.txt")
    with pytest.raises(HyperXError, match="'NOUNS' is not a universal tag"):
        read(write(tmp_path, "cat NOUNS\n"), "pos")
    with pytest.raises(HyperXError, match="9 columns; CoNLL-U has 10"):
        read(write(tmp_path, "1\ta\tb\tNOUN\t_\t_\t_\t_\t_\n", "a.conllu"), "pos")
    with pytest.raises(HyperXError, match="2 words but 1 tags"):
        read(write(tmp_path, '{"tokens": ["a", "b"], "tags": ["O"]}\n', "a.jsonl"))
    with pytest.raises(HyperXError, match="unknown format"):
        read(write(tmp_path, "a O\n"), format="xml")


# Counted with awk: lines that are not blank, and runs of them.
REAL = [
    ("masakhane/pos/swa/dev.txt", "pos", 138, 3817),
    ("masakhane/ner/xho/train.txt", "ner", 5718, 86645),
    ("uner/UNER_English-EWT/en_ewt-ud-test.iob2", "ner", 2077, 25097),
    ("ud/UD_English-EWT/en_ewt-ud-dev.conllu", "pos", 2001, 25147),
]


@pytest.mark.parametrize(("name", "task", "sentences", "words"), REAL)
def test_real_files(data: Path, name: str, task: str, sentences: int, words: int) -> None:
    with collected_notices() as notices:
        found = read(data / name, task)
    assert (len(found), sum(len(row) for row, _ in found)) == (sentences, words)
    if "xho" in name:
        assert sum("without a word" in notice for notice in notices) == 2


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ('["a"]\n', {"format": "jsonl"}, "expected an object such as"),
        ('{"tokens": ["a"], "ner_tags": "O"}\n', {"format": "jsonl"}, "'ner_tags' is not a list of strings"),
        ("a\tO\n", {"tag_column": 3}, "there is no column 3; the file has 2"),
        (
            "good\tpositive\nbad\n",
            {"task": "classification", "format": "tsv"},
            "expected 2 columns with a text and its label",
        ),
    ],
)
def test_what_a_line_lacks_is_told(tmp_path: Path, text: str, options: dict, message: str) -> None:
    with pytest.raises(HyperXError, match=rf"data\.txt.*{message}"):
        read(write(tmp_path, text), **options)


def test_files_that_are_not_there_or_have_no_name_that_could_be(tmp_path: Path) -> None:
    with pytest.raises(HyperXError, match=r"there is no file .*other$"):
        read(tmp_path / "other")
    with pytest.raises(HyperXError, match="can't be read: File name too long"):
        read(tmp_path / ("x" * 300))
