import pytest

from hyperx.languages import seen_by
from hyperx.shapes import KNOWN, count_parameters, known_config


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("google-bert/bert-base-multilingual-cased", 177_853_440 - 590_592),  # less the pooler
        ("FacebookAI/xlm-roberta-base", 278_043_648 - 590_592),
        ("FacebookAI/xlm-roberta-large", 559_890_432 - 1_049_600),
        ("distilbert/distilbert-base-multilingual-cased", 134_734_080),
    ],
)
def test_parameters_of_well_known_backbones(name: str, parameters: int) -> None:
    assert count_parameters(KNOWN[name]) == parameters


def test_names_without_owner() -> None:
    assert known_config("xlm-roberta-base") is KNOWN["FacebookAI/xlm-roberta-base"]
    assert known_config("") is None
    assert known_config("bert-base-uncased") is None


@pytest.mark.parametrize("name", KNOWN)
def test_languages_of_well_known_backbones_are_known(name: str) -> None:
    assert seen_by(name)
