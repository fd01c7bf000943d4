"""Logs in lines of JSON, which hold nothing of what users send."""

import json
import logging
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

log = logging.getLogger("hyperx.serve")


class JsonFormatter(logging.Formatter):
    """A record as a line of JSON; what was given as ``extra={"fields": {...}}`` is among its fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line. Of an exception it tells the kind and the places: its message may quote a request."""
        value: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage().strip(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[1]:
            value["error"] = list(_errors(record.exc_info[1]))
        return json.dumps(value, ensure_ascii=False)


def _errors(error: BaseException | None) -> Iterator[dict[str, Any]]:
    while error is not None:
        frames = traceback.extract_tb(error.__traceback__)
        yield {"type": type(error).__name__, "at": [f"{frame.filename}:{frame.lineno}" for frame in frames[-5:]]}
        error = error.__cause__ or error.__context__


def log_json(level: int = logging.INFO) -> None:
    """Write uvicorn's logs and the server's own to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    for name in ("uvicorn", "hyperx.serve"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(level)
    logging.getLogger("uvicorn.access").disabled = True  # it writes paths and queries as they came


def event(message: str, *, level: int = logging.INFO, **fields: Any) -> None:
    """Log something that happened."""
    log.log(level, message, extra={"fields": fields})
