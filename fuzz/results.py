"""A run's results and cost, as others send them: shown and drawn, or an error that names the file."""

import io

from rich.console import Console

from fuzz.scratch import FOLDER, write
from hyperx.cost import Cost
from hyperx.errors import HyperXError
from hyperx.matrix import print_matrix, save_html
from hyperx.results import Results


def run(data: bytes) -> None:
    """Load the bytes as results and as a cost."""
    path = write("results.json", data)
    try:
        results = Results.load(path)
    except HyperXError as error:
        assert str(path) in str(error), error
    else:
        print_matrix(results, Console(file=io.StringIO(), width=200))
        save_html(results, FOLDER / "matrix.html")
        results.save(path)
        assert Results.load(path) == results
    path = write("cost.json", data)
    try:
        cost = Cost.load(path)
    except HyperXError as error:
        assert str(path) in str(error), error
    else:
        cost.save(path)
        assert Cost.load(path) == cost
