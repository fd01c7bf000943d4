"""``hyperx data`` as a user calls it."""

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hyperx.cli.app import app
from hyperx.errors import HyperXError

IOB2 = "Amina B-PER\nYusuf I-PER\nran O\n\nParis B-LOC\nsleeps O\n"


def invoke(*arguments: str) -> tuple[int, str, BaseException | None]:
    result = CliRunner().invoke(app, ["data", *arguments])
    return result.exit_code, result.output, result.exception


def test_list_names_every_corpus_with_its_licence() -> None:
    code, output, _ = invoke("list")
    assert code == 0
    for name in ("starter", "masakhane-pos", "ud-2.7", "wikiann", "wikipedia"):
        assert name in output
    assert "CC0" in output


def test_check_reports_what_a_file_holds(tmp_path: Path) -> None:
    path = tmp_path / "a.iob2"
    path.write_text(IOB2, encoding="utf-8")
    code, output, _ = invoke("check", str(path))
    assert code == 0
    assert "ner, columns, 2 sentences, 5 words" in output
    assert "PER 1, LOC 1" in output or "LOC 1, PER 1" in output


def test_check_fails_where_a_file_cannot_be_used_and_goes_on(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.iob2", tmp_path / "bad.iob2"
    good.write_text(IOB2, encoding="utf-8")
    bad.write_text("Amina B-PER\nYusuf\n", encoding="utf-8")
    code, output, _ = invoke("check", str(bad), str(good))
    assert code == 1
    assert f"✗ {bad}:2: 1 columns" in output
    assert "2 sentences" in output


def test_check_says_what_was_mended(tmp_path: Path) -> None:
    path = tmp_path / "a.iob2"
    path.write_text("the O\nParis I-LOC\n\nAmina B-PER\n", encoding="utf-8")
    code, output, _ = invoke("check", str(path))
    assert code == 0
    assert f"note {path}:1, word 2 ('Paris'): an entity begins with I-, read as B-" in output


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "the det\ndog noun\nran verb\nbig adj\n",
            "the tags det, noun, verb … are neither universal tags nor entities",
        ),
        ("the det\n", "--task, and rename them with --label-map det=DET"),
        ("the DET\ndog NOUN\nran verb\n", "'verb' is not a universal tag"),
        ("Amina B-PER\nYusuf I-PER\nran VERB\n", "'VERB' is not an entity tag"),
        ("the O\ndog O\n", "every word is O, so there is nothing of ner to learn"),
    ],
)
def test_check_says_of_which_task_tags_seem_to_be(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text(text, encoding="utf-8")
    code, output, _ = invoke("check", str(path))
    assert code == 1
    assert told in output


def test_check_finds_the_task_of_renamed_tags(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("the det\ndog noun\n", encoding="utf-8")
    code, output, _ = invoke("check", str(path), "--label-map", "det=DET", "--label-map", "noun=NOUN")
    assert code == 0
    assert "pos, columns" in output


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.yaml", "name: a\ndata:\n", "no labels found: read as raw text\n"),
        ("a.jsonl", '{"text": "a"}\n', "mlm, jsonl, 1 sentence, 1 word\n"),
        ("a.jsonl", '{"text": "a", "post_id": 1, "nerd": "\\"pos_tags"}\n', "mlm, jsonl, 1 sentence, 1 word\n"),
        ("a.jsonl", '{"words": ["a"], "labels": ["X"]}\n', "read as raw text, without 'labels'; if these are labels"),
    ],
)
def test_check_says_that_it_found_no_labels(tmp_path: Path, name: str, text: str, told: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert told in invoke("check", str(tmp_path / name))[1]
    assert "no labels" not in invoke("check", str(tmp_path / name), "--task", "mlm")[1]


def test_check_finds_the_task_of_conllu_and_json(tmp_path: Path) -> None:
    row = "1\tAmina\t_\t{}\t_\t_\t_\t_\t_\tNER=B-PER\n\n"
    files = {
        "a.conllu": (row.format("_"), "ner, conllu"),
        "b.conllu": (row.format("PROPN"), "pos, conllu"),
        "c.jsonl": ('{"tokens": ["a"], "upos": ["DET"], "text": "ner"}\n', "pos, jsonl"),
        "d.jsonl": ('{"tokens": ["Amina"], "ner_tags": ["B-PER"], "pos_tags": ["PROPN"]}\n', "ner, jsonl"),
    }
    for name, (text, told) in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert told in invoke("check", str(tmp_path / name))[1]


def test_a_pipe_of_labels_is_refused_not_read_in_part(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDWR)  # so that opening it waits for nobody
    status, output, _ = invoke("check", str(tmp_path / "pipe"), "--task", "pos")
    os.close(reader)
    assert status == 1
    assert "pipe is a pipe or a device, and labels and raw text are read more than once; save it to a file" in output


def test_stats_of_files_and_corpora(tmp_path: Path) -> None:
    path = tmp_path / "a.iob2"
    path.write_text(IOB2, encoding="utf-8")
    code, output, _ = invoke("stats", "starter", str(path))
    assert code == 0
    rows = [line.split() for line in output.splitlines()]
    assert [*rows[-1][-5:]] == ["ner", "2", "5", "2.5", "2"]
    assert next(row for row in rows if row[:2] == ["pos/swa", "test"])[2] == "25"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["stats", "masakane-pos"], "masakane-pos"),
        (["stats", "mafand", "--root", "/nowhere"], "is not at /nowhere"),
        (["check", "x.txt", "--label-map", "DATE"], "expected OLD=NEW"),
    ],
)
def test_mistakes_are_one_clear_error(arguments: list[str], message: str) -> None:
    code, _, error = invoke(*arguments)
    assert code != 0
    assert isinstance(error, HyperXError)
    assert message in str(error)
