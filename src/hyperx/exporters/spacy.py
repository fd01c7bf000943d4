"""spaCy: a package to install with pip, whose pipeline tags one language with the model inside."""

import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import langcodes

from hyperx.disk import new_folder
from hyperx.errors import HyperXError
from hyperx.exporters.folder import write_readme
from hyperx.hub import check_backbone
from hyperx.languages import name as language_name
from hyperx.modeling import HyperX
from hyperx.pairs import Pair

VERSION = "0.1.0"
MODEL = "model"  # the model's folder inside the package's data
INIT = '''"""{about}"""

from pathlib import Path

from spacy.language import Language
from spacy.util import get_model_meta, load_model_from_init_py

__version__ = get_model_meta(Path(__file__).parent)["version"]


def load(**overrides: object) -> Language:
    nlp = load_model_from_init_py(__file__, **overrides)
    if "hyperx" in nlp.component_names:
        nlp.get_pipe("hyperx").model = str(Path(__file__).parent / "{data}" / "{model}")
    return nlp
'''


def export(model: HyperX, pairs: Sequence[Pair], folder: Path) -> None:
    """Write a package in spaCy's layout; installed, ``spacy.load("en_hyperx_eng")`` gives its pipeline.

    Args:
        pairs: what to tag, in one language.

    Raises:
        HyperXError: a pair is outside the model's matrix or tags nothing, they are of several languages, the backbone is a
            folder of this machine, spaCy is not installed, or the folder is not empty.
    """
    try:
        import spacy
        from spacy.cli.package import package
    except ImportError as error:
        raise HyperXError("exporting to spaCy needs it: pip install 'hyperx-nlp[spacy]'") from error
    languages = {pair.language for pair in pairs}
    if len(languages) != 1:
        raise HyperXError(f"a pipeline of spaCy is of one language, not of {', '.join(sorted(languages))}")
    (language,) = languages
    tasks = list(dict.fromkeys(pair.task for pair in pairs))
    for pair in pairs:
        model.tagging_task(pair.task)
        model.head(pair)
    check_backbone(model)
    nlp = spacy.blank(_spacy_language(language))
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("hyperx", config={"model": MODEL, "language": language, "tasks": tasks})
    about = f"{', '.join(tasks)} in {language_name(language)}, by a Hyper-X model"
    requirement = f"hyperx-nlp[spacy]>={version('hyperx-nlp')}"
    nlp.meta.update(name=f"hyperx_{language}", version=VERSION, description=about, requirements=[requirement])
    package_name = f"{nlp.lang}_hyperx_{language}"
    data = f"{package_name}-{VERSION}"
    with new_folder(folder) as unfinished, tempfile.TemporaryDirectory(dir=unfinished) as temporary:
        pipeline = Path(temporary) / "pipeline"
        nlp.to_disk(pipeline)
        model.save_pretrained(pipeline / MODEL)
        write_readme(pipeline, "spacy", package=package_name, about=about, backbone=model.model_config.backbone)
        package(pipeline, Path(temporary), create_sdist=False, require_parent=True)
        (Path(temporary) / data / package_name / "__init__.py").write_text(
            INIT.format(about=about, data=data, model=MODEL), encoding="utf-8"
        )
        for part in (Path(temporary) / data).iterdir():
            part.rename(unfinished / part.name)


def _spacy_language(language: str) -> str:
    """Return spaCy's code of a language, or that of its rules for any language."""
    from spacy.util import get_lang_class

    code = langcodes.standardize_tag(language)
    try:
        get_lang_class(code)
    except ImportError:
        return "xx"
    return code
