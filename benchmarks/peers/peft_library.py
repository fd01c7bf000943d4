"""Hugging Face's `peft`: one batch of sentences that each have a LoRA of their own, as its documentation shows."""

import sys
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoModel

from benchmarks.peers import read_inputs, seconds, serve


def main(folder: Path) -> None:
    inputs = read_inputs(folder)
    encoder = AutoModel.from_pretrained(folder / "encoder", add_pooling_layer=False)
    # Two matrices at two projections: as many numbers a layer as a bottleneck adapter.
    config = LoraConfig(r=inputs["bottleneck"] // 2, target_modules=["query", "value"], init_lora_weights=False)
    names = [f"pair{number}" for number in range(len(inputs["mixed"]))]
    model = get_peft_model(encoder, config, adapter_name=names[0])
    for name in names[1:]:
        model.add_adapter(name, config)
    model.eval()
    pieces = pad_sequence([torch.tensor(row) for row in inputs["mixed"]], True, inputs["pad"])
    mask = (pieces != inputs["pad"]).long()

    def mixed() -> None:
        with torch.inference_mode():
            model(input_ids=pieces, attention_mask=mask, adapter_names=names)

    serve({"mixed": lambda: seconds(mixed)})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
