"""The playground as a Space of the Hugging Face Hub; the Space's variable HYPERX_MODEL names the model."""

import os

from hyperx.serve.playground import launch

launch(os.environ["HYPERX_MODEL"])
