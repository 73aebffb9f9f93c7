"""Logs of the scheduled job: JSON, a line an event, on stderr."""

import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

import msgspec

logger = logging.getLogger("gateway_rca")


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return msgspec.json.encode(told).decode()


def start(stream: TextIO | None = None) -> None:
    """Makes events come out, once."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Json())
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False


def event(name: str, **fields: object) -> None:
    """Tells of something that happened."""
    logger.info(name, extra={"fields": fields})


def problem(name: str, **fields: object) -> None:
    """Tells of something that went wrong."""
    logger.error(name, extra={"fields": fields})


def bug(name: str, **fields: object) -> None:
    """Tells of something that should not have happened, with its traceback."""
    logger.exception(name, extra={"fields": fields})
