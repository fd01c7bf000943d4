"""What a run says while it trains."""

from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.status import Status
from transformers import TrainerCallback


class TrainingProgress(TrainerCallback):
    """A bar with the loss and the time left, and a line for each dev score."""

    def __init__(self, console: Console, status: Status) -> None:
        self.status = status
        self.progress = Progress(
            TextColumn("[bold]Training[/]"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self.status.console,
        )

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.bar = self.progress.add_task("train", total=state.max_steps, completed=state.global_step, note="")
        self.status.stop()  # a terminal has one live line
        self.progress.start()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.progress.update(self.bar, completed=state.global_step)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        logs = logs or {}
        if "loss" in logs:
            self.progress.update(self.bar, note=f"loss {float(logs['loss']):.2f}")
        if "eval_score" in logs:
            self.progress.console.print(
                f"step {state.global_step:>6}  mean dev score of the trained pairs {logs['eval_score']:.1f}"
            )

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.progress.stop()
        self.status.start()
