"""Feeds bytes to every envelope and format: whatever comes, it ends as records or as a reason.

    python -m tests.fuzz.formats --seconds 60

Begins with the case files of all formats and the real samples. What broke something is written to
``out/fuzz``; give such files as arguments to run them again.
"""

import argparse
import hashlib
import sys
import tempfile
import tomllib
from contextlib import suppress
from pathlib import Path

import atheris
import msgspec

with atheris.instrument_imports(include=["pipeline"]):
    from pipeline.dialect import fitted, lowered, unbatched
    from pipeline.envelope import HEAD_BYTES, Unreadable
    from pipeline.envelopes import envelopes
    from pipeline.read import WRONG_SHAPE
    from pipeline.sources import sources
    from pipeline.storage import Blob, BrokenBlobError

    # What stands on a shelf is imported when it is asked for first.
    ENVELOPES = envelopes()
    SOURCES = sources()

ROOT = Path(__file__).parents[2]
FOUND = ROOT / "out" / "fuzz"
LONGEST_BYTES = 32 << 10
# One input may take so long, and all of them so much memory.
SECONDS_EACH = 5
MEGABYTES = 2_000
# Of an array that repeats itself, as many items are looked at.
ITEMS = 1_000
NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def fed(blob: Path, data: bytes) -> None:
    """Reads the bytes as each envelope that opens so, and line by line."""
    blob.write_bytes(data)
    for envelope in ENVELOPES.values():
        if envelope.opens(data[:HEAD_BYTES]):
            with suppress(BrokenBlobError):
                for record in envelope.records(Blob(str(blob), len(data))):
                    if isinstance(record, Unreadable):
                        assert record.reason
                    else:
                        told(record)
    for line in data.splitlines():
        with suppress(*NOT_JSON):
            for value in unbatched(msgspec.json.decode(line)):
                told(value)


def told(record: object) -> None:
    """Asks every format for the record, whether it claims it or not."""
    if not isinstance(record, dict):
        return
    with suppress(*WRONG_SHAPE):
        msgspec.json.encode(record)
    said = lowered(record)
    for source in SOURCES.values():
        with suppress(*WRONG_SHAPE):
            source.claims(said)
        with suppress(*WRONG_SHAPE):
            for number, item in enumerate(source.items(said) if source.items else (record,)):
                assert isinstance(item, dict)
                with suppress(*WRONG_SHAPE):
                    shaped = msgspec.convert(
                        fitted(item, source.record), source.record, strict=False
                    )
                    msgspec.json.encode(shaped)
                if number >= ITEMS:
                    break


def seeds(folder: Path) -> None:
    """What the cases of all formats and the real samples hold, a file each."""
    blobs = [path.read_bytes() for path in (ROOT / "data/samples/real").rglob("*.json")]
    for file in (ROOT / "tests/sources").glob("*.toml"):
        for case in tomllib.loads(file.read_text(encoding="utf-8"))["case"]:
            blobs += [line.encode() for line in case.get("lines", "").splitlines()]
            blobs.append(case.get("document", "").strip().encode())
    for blob in blobs:
        if 0 < len(blob) <= LONGEST_BYTES:
            (folder / hashlib.sha256(blob).hexdigest()[:16]).write_bytes(blob)


def words(file: Path) -> None:
    """Names that formats look for, for the fuzzer to build with."""
    names = {
        name
        for source in SOURCES.values()
        for name in (*source.record.__struct_encode_fields__, source.dataset)
    } | {"records", "value", "tables", "columns", "rows", "name", "type", "category", "properties"}
    lines = (f'"\\"{name}\\":"' for name in sorted(names) if name.isascii() and name.isidentifier())
    file.write_text("\n".join(lines), encoding="utf-8")


def main() -> None:
    """Fuzzes for so many seconds, or runs the files that are given."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("files", nargs="*", help="run these once, as found before")
    said = parser.parse_args()
    FOUND.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gateway-rca-fuzz-") as made:
        folder = Path(made)
        corpus = folder / "corpus"
        corpus.mkdir()
        seeds(corpus)
        words(folder / "words")
        options = [
            f"-max_total_time={said.seconds}",
            f"-max_len={LONGEST_BYTES}",
            f"-timeout={SECONDS_EACH}",
            f"-rss_limit_mb={MEGABYTES}",
            f"-artifact_prefix={FOUND}/",
            f"-dict={folder / 'words'}",
            "-print_final_stats=1",
        ]
        where = said.files or [str(corpus)]
        atheris.Setup([sys.argv[0], *options, *where], lambda data: fed(folder / "blob", data))
        atheris.Fuzz()


if __name__ == "__main__":
    main()
