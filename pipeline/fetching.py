"""Fetching: SNAT metrics from the interface into the lake, through the landing of their format."""

import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from pipeline.azure_blobs import MANAGEMENT_SCOPE, token
from pipeline.azure_place import UnavailableError
from pipeline.errors import PipelineError
from pipeline.lake import Lake
from pipeline.land import land
from pipeline.landed import Landing
from pipeline.location import put
from pipeline.metrics_api import endpoint, fetched, kind

FOLDER = "fetched"


def fetch(resource_ids: Sequence[str], lake: Lake, start: datetime, stop: datetime) -> Landing:
    """Keeps what the interface answers in the lake, a file a metric and day, and lands it.

    To fetch the same again lands nothing twice. Raises ``PipelineError`` where it is not answered.
    """
    for each in resource_ids:
        kind(each)
    try:
        bearer = token(MANAGEMENT_SCOPE.format(endpoint=endpoint()))
    except UnavailableError as error:
        raise PipelineError(f"{endpoint()}: {error}") from error
    lake.ready()
    kept = []
    with tempfile.NamedTemporaryFile() as file:
        for each in resource_ids:
            for answer in fetched(each, start, stop, bearer):
                Path(file.name).write_bytes(answer.content)
                put(lake.place(FOLDER), answer.name, Path(file.name))
                kept.append(f"{lake.place(FOLDER)}/{answer.name}")
    return land(kept, lake)
