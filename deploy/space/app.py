"""The playground as a Space of the Hugging Face Hub; the Space's variable HYPERX_MODEL names the model."""

import os
import sys

from hyperx.serve.playground import launch

launch(os.environ.get("HYPERX_MODEL") or sys.exit("Set the variable HYPERX_MODEL to the Hub id of a model."))
