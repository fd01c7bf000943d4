#!/usr/bin/env bash
# Install a wheel into a fresh environment, borrowing the checkout's libraries, and use it away from the checkout.
set -euo pipefail
wheel=$(realpath "$1")
root=$(realpath "$(dirname "$0")/..")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$root/.venv/bin/python" -m pip install --quiet --no-deps --target site "$wheel"
export PYTHONPATH="$folder/site"
"$root/.venv/bin/python" -P - <<'PY'
import hyperx
from hyperx.cli.app import app
from hyperx.data.catalog import languages, load_splits
from typer.testing import CliRunner

assert "/site/" in hyperx.__file__, hyperx.__file__
at_hand = languages("starter", "pos")
assert all(len(load_splits("starter", "ner", language)["test"]) == 25 for language in at_hand), at_hand
assert CliRunner().invoke(app, ["quickstart", "--help"]).exit_code == 0
print(f"the wheel works outside the checkout: {', '.join(at_hand)}")
PY
