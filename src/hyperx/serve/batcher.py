"""The thread that runs the model: what waits at the same time is tagged in the same batches."""

import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from threading import Condition, Thread

import torch
from torch import Tensor

from hyperx.mixed_tagging import MixedTagger, Row
from hyperx.serve.metrics import Metrics

WINDOW = 4  # batches' worth of rows that are sorted by length together
TURN = 8  # rows that a request gets into a window before the next one's turn


class Job:
    """A request's rows; its `future` gets their scores, and cancelling that drops what is left."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.future: Future[list[Tensor]] = Future()
        self.rows = rows
        self.arrived = time.monotonic()
        self._waiting = deque(range(len(rows)))
        self._scores: list[Tensor] = [torch.empty(0)] * len(rows)
        self._missing = len(rows)

    def take(self, limit: int) -> list[int]:
        """Take so many rows at most that still wait."""
        return [self._waiting.popleft() for _ in range(min(limit, len(self._waiting)))]

    @property
    def waits(self) -> int:
        return 0 if self.future.done() else len(self._waiting)

    def put(self, number: int, scores: Tensor) -> None:
        """Note a row's scores; the last one's complete the job."""
        self._scores[number] = scores
        self._missing -= 1
        if not self._missing:
            with suppress(InvalidStateError):  # it was cancelled, or failed
                self.future.set_result(self._scores)

    def fail(self, error: BaseException) -> None:
        """End the job by an error."""
        with suppress(InvalidStateError):
            self.future.set_exception(error)


class Batcher:
    """Tags rows of many requests in mixed batches, in a thread of its own.

    A window closes when it is full or its first row has waited for `wait` seconds. Requests take turns in it, so that a long
    one keeps nobody waiting.
    """

    def __init__(self, tagger: MixedTagger, metrics: Metrics, *, wait: float) -> None:
        self._tagger = tagger
        self._metrics = metrics
        self._wait = wait
        self._jobs: deque[Job] = deque()
        self._changed = Condition()
        self._closing = False
        metrics.queued_rows.set_function(self._count)
        self._thread = Thread(target=self._run, name="hyperx-batcher", daemon=True)
        self._thread.start()

    def submit(self, rows: Sequence[Row]) -> "Future[list[Tensor]]":
        """Queue rows; the future gets each one's scores."""
        job = Job(rows)
        if not rows:
            job.future.set_result([])
            return job.future
        with self._changed:
            if self._closing:
                raise RuntimeError("the batcher is closed")
            self._jobs.append(job)
            self._changed.notify()
        return job.future

    def close(self) -> None:
        """Tag what is queued, and end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _queued(self) -> int:
        return sum(job.waits for job in self._jobs)

    def _count(self) -> int:
        with self._changed:
            return self._queued()

    def _run(self) -> None:
        while window := self._next():
            for numbers in self._tagger.batches([job.rows[number] for job, number in window]):
                batch = [window[number] for number in numbers if not window[number][0].future.done()]
                if batch:
                    self._tag(batch)

    def _next(self) -> list[tuple[Job, int]]:
        """Wait for the next window's rows; there are none once the batcher is closed and its queue empty."""
        size = WINDOW * self._tagger.batch_size
        with self._changed:
            while True:
                self._jobs = deque(job for job in self._jobs if job.waits)
                if self._closing or self._queued() >= self._tagger.batch_size:
                    return self._take(size)
                left = None
                if self._jobs:
                    left = min(job.arrived for job in self._jobs) + self._wait - time.monotonic()
                    if left <= 0:
                        return self._take(size)
                self._changed.wait(left)

    def _take(self, size: int) -> list[tuple[Job, int]]:
        window: list[tuple[Job, int]] = []
        while self._jobs and len(window) < size:
            job = self._jobs.popleft()
            window += [(job, number) for number in job.take(min(TURN, size - len(window)))]
            if job.waits:
                self._jobs.append(job)
        return window

    def _tag(self, batch: Sequence[tuple[Job, int]]) -> None:
        rows = [job.rows[number] for job, number in batch]
        self._metrics.batch_rows.observe(len(rows))
        self._metrics.batch_pairs.observe(len({row.pair for row in rows}))
        try:
            with self._metrics.batch_seconds.time():
                scores = self._tagger.run(rows)
        except Exception as error:  # memory that ran out, say: those requests fail, and the thread goes on
            for job, _ in batch:
                job.fail(error)
            return
        for (job, number), own in zip(batch, scores, strict=True):
            job.put(number, own)
