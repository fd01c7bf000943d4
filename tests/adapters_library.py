"""Run adapters in AdapterHub's library, in an environment of its own: python adapters_library.py FOLDER SETUP..."""

import sys
from pathlib import Path

import adapters
import torch
from adapters.composition import Stack
from safetensors.torch import load_file, save_file
from transformers import AutoModel

folder, setups = Path(sys.argv[1]), sys.argv[2:]
encoder = AutoModel.from_pretrained(folder / "encoder").eval()
adapters.init(encoder)
for name in {name for setup in setups for name in setup.split("+")}:
    encoder.load_adapter(str(folder / name), load_as=name, use_safetensors=True)
inputs, outputs = load_file(folder / "inputs.safetensors"), {}
for setup in setups:
    names = setup.split("+")
    encoder.set_active_adapters(Stack(*names) if len(names) > 1 else names[0])
    with torch.inference_mode():
        outputs[setup] = encoder(**inputs).last_hidden_state
save_file(outputs, folder / "outputs.safetensors")
