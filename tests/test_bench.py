"""What the benchmarks compute; not how fast."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from benchmarks import gpu, performance
from benchmarks.limit import step_products
from benchmarks.rounds import Options, Row, alternate, ratios, save

from hyperx.pairs import Pair


def test_things_are_measured_in_turn_after_a_warm_up() -> None:
    calls: list[str] = []

    def measure(name: str) -> float:
        calls.append(name)
        return float(len(calls))

    figures = alternate({name: lambda name=name: measure(name) for name in "ab"}, 2)
    assert "".join(calls) == "ababab"
    assert figures == {"a": [3, 5], "b": [4, 6]}
    assert ratios(figures, "b", "a") == [4 / 3, 6 / 5]


def test_a_row_is_met_by_its_median() -> None:
    row = Row("a step", [1.0, 1.2, 9.0], 1.2)
    assert row.met
    assert not replace(row, at_most=False, target=1.3).met
    assert replace(row, target=None).met is None
    assert replace(row, values=[]).met is None


def test_the_tables_say_target_measured_and_met(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(performance, "PAGE", tmp_path / "performance.md")
    performance.PAGE.write_text(f"Before\n{performance.START}old\n{performance.END}After\n")
    rows = [Row("a step", [1.0, 1.5, 1.25], 1.1), Row("a rate", [1234.0], 1000, False, unit="a second", note="why")]
    save("training", Options(3, False, tmp_path), rows, {})
    performance.write(tmp_path)
    text = performance.PAGE.read_text()
    assert "| a step | at most 1.1 | 1.25 | 1 to 1.5 | **no** |" in text
    assert "| a rate (why) | at least 1000 a second | 1,234 a second |  | yes |" in text
    assert text.startswith("Before\n")
    assert text.endswith("After\n")
    assert "old" not in text
    assert "### Tagging\n\nNot measured yet." in text


def test_the_limit_has_a_step_s_operations() -> None:
    with torch.profiler.profile(with_flops=True) as profile:
        products = step_products(gpu.TINY, tokens=24, sentences=3, bottleneck=8, labels=17, dtype=torch.float32)
        for product in products:
            product()
    counted = sum(event.flops for event in profile.events() if event.name in ("aten::mm", "aten::bmm"))
    heads = 3 * 2 * 24 * 32 * 17
    assert counted == gpu.step_operations(gpu.TINY, 8, 3, 8) + heads


def test_pairs_in_one_forward_have_the_mean_of_their_losses_and_gradients() -> None:
    model = gpu.build(gpu.TINY, torch.device("cpu"))
    model.backbone.dtype = torch.float32
    model.float().eval()
    pairs = [Pair("pos", "eng"), Pair("ner", "tur")]
    rows, *tensors = gpu.batch(model, pairs, torch.tensor([9, 4, 9, 7]))
    parts = zip(pairs, (slice(2), slice(2, 4)), strict=True)
    halves = [([pair] * 2, *(tensor[half] for tensor in tensors)) for pair, half in parts]

    def gradients(total: torch.Tensor) -> list[torch.Tensor]:
        model.zero_grad()
        total.backward()
        return [parameter.grad.clone() for parameter in model.method.parameters()]

    packed, alone = gpu.loss(model, rows, *tensors), sum(gpu.loss(model, *half) for half in halves) / 2
    torch.testing.assert_close(packed, alone)
    torch.testing.assert_close(gradients(packed), gradients(alone), atol=1e-6, rtol=1e-4)


def test_the_gpu_s_bench_runs_on_a_cpu(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    gpu.main(Options(1, True, tmp_path))
    report = json.loads((tmp_path / "gpu.json").read_text())
    assert [len(row["values"]) for row in report["rows"]] == [1, 1, 1, 1]
    assert all(value > 0 for row in report["rows"] for value in row["values"])
