"""Bytes from anyone into what reads them, each a module whose `run` takes them: ``make fuzz``.

A `run` returns, or raises what is a finding: anything but `HyperXError`, or an assertion of its own.
"""

TARGETS = ("labelled", "text", "conllu", "iob2", "segmentation", "configuration", "results", "model_folder", "bodies")
