"""A run's YAML: a configuration that is saved and loaded the same, or an error that names the file."""

from fuzz.scratch import write
from hyperx.config import load_run_config, save_run_config
from hyperx.errors import HyperXError


def run(data: bytes) -> None:
    """Load the bytes as a run's YAML."""
    path = write("run.yaml", data)
    try:
        config = load_run_config(path)
    except HyperXError as error:
        assert str(path) in str(error), error
        return
    save_run_config(config, path)
    assert load_run_config(path) == config
