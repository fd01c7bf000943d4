"""Who may read what is written."""

from pathlib import Path


def share_tensors(folder: Path) -> None:
    """Let whoever may read a folder read its tensors: safetensors leaves its files to their owner alone.

    A model is served by another user than it was trained by, in a container for one.
    """
    for path in folder.glob("*.safetensors"):
        path.chmod(folder.stat().st_mode & 0o666)
