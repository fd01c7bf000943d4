"""What Prometheus reads."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_COUNTS = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """A server's counts and times, in a registry of their own."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.requests = Counter(
            "hyperx_requests", "Requests answered.", ["method", "route", "status"], registry=registry
        )
        self.seconds = Histogram(
            "hyperx_request_seconds",
            "From a request's head to the end of its answer.",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.words = Counter("hyperx_words", "Words tagged, each once a task.", ["task"], registry=registry)
        self.batch_rows = Histogram("hyperx_batch_rows", "Rows of a batch.", buckets=_COUNTS, registry=registry)
        self.batch_pairs = Histogram(
            "hyperx_batch_pairs", "Distinct pairs of a batch.", buckets=_COUNTS, registry=registry
        )
        self.batch_seconds = Histogram(
            "hyperx_batch_seconds", "A batch's forward.", buckets=_SECONDS, registry=registry
        )
        self.queued_rows = Gauge("hyperx_queued_rows", "Rows that wait for a batch.", registry=registry)
        self.requests_in_work = Gauge(
            "hyperx_requests_in_work", "Requests to tag that wait or are worked on.", registry=registry
        )

    def text(self) -> bytes:
        """Return all of them in Prometheus' text format."""
        return generate_latest(self._registry)
