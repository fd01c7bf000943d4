"""Measurements, each a module: ``python -m benchmarks.NAME``."""

import platform
from pathlib import Path

import torch

RESULTS = Path(__file__).parents[1] / "results"


def machine() -> dict[str, str | int]:
    """Describe this machine, for a results file."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model)
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    return {"processor": model, "threads": torch.get_num_threads(), "gpu": device, "torch": torch.__version__}
