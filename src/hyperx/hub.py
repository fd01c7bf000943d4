"""The Hugging Face Hub: upload a model with its card."""

import tempfile
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import HTTPError

from hyperx.config import load_run_config
from hyperx.disk import writing
from hyperx.errors import HyperXError, first_line
from hyperx.model_card import loading_from, model_card
from hyperx.modeling import CARD_NAME, HyperX
from hyperx.results import Results


def push(model: HyperX, repo: str, *, private: bool = False, token: str | None = None) -> str:
    """Do what `HyperX.push_to_hub` says."""
    check_backbone(model)
    card = model.card or model_card(model.model_config, name=repo.rpartition("/")[2])
    try:
        with tempfile.TemporaryDirectory() as folder:
            with writing(Path(folder)):
                model.save_pretrained(folder)
                (Path(folder) / CARD_NAME).write_text(loading_from(card, repo), encoding="utf-8")
            api = HfApi(token=token)
            created = api.create_repo(repo, private=private or None, exist_ok=True)
            api.upload_folder(repo_id=created.repo_id, folder_path=folder, commit_message="Upload a Hyper-X model")
    except (HTTPError, OSError, ValueError) as error:
        raise HyperXError(f"the model can't be uploaded to '{repo}': {_reason(error)}") from error
    return str(created)


def check_backbone(model: HyperX) -> None:
    """Check that others can load the model.

    Raises:
        HyperXError: its backbone is a folder of this machine.
    """
    backbone = model.model_config.backbone
    if Path(backbone).exists():
        raise HyperXError(
            f"the backbone is the folder {backbone} of this machine, where nobody else can load it from: upload it to the Hub, "
            "and write its id as 'backbone' in the model's config.json"
        )


def card_of_run(run: Path, model: HyperX) -> str:
    """Return the card of a run's best model as its results.json and config.yaml are now."""
    config = load_run_config(run / "config.yaml")
    return model_card(model.model_config, name=config.name, results=Results.load(run), run=config)


def _reason(error: Exception) -> str:
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status == 401:
        return "the Hub knows no such token. Log in with 'hf auth login', or set HF_TOKEN."
    if status == 403:
        return (
            "the token has no permission to write there. Make one that has at https://huggingface.co/settings/tokens."
        )
    return first_line(error)
