"""The files that a command is to write, looked at before the work."""

from collections.abc import Iterable
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.location import is_remote
from pipeline.report import Format, outputs, prepared
from pipeline.storage import blobs


def writable(source: Iterable[str], output: Path, formats: Iterable[str]) -> dict[Format, Path]:
    """The file of each format, which can be written and is not among what is to be read.

    Raises ``PipelineError`` where one cannot, or is.
    """
    files = outputs(output, formats)
    read = {blob.name for each in source if not is_remote(each) for blob in blobs(each)}
    for path in files.values():
        if str(path.resolve()) in read:
            raise PipelineError(f"{path} is among the exports to read; name another --output")
    prepared(files)
    return files
