"""Each envelope gives the records that lie in a blob, and tells what is none in its place."""

import gzip
import json
import tracemalloc
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.envelope import Unreadable
from pipeline.envelopes import envelopes
from pipeline.envelopes.csv import LONGEST_ROW
from pipeline.storage import BrokenBlobError, blob_at

BOM = b"\xef\xbb\xbf"
MEBIBYTE = 1 << 20
Told = list[object]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "blob"


def told(envelope: str, content: bytes, file: Path) -> Told:
    """What the envelope gives of a blob; what is unreadable as (kind, reason, raw)."""
    file.write_bytes(content)
    return [_shown(each) for each in envelopes()[envelope].records(blob_at(str(file)))]


def _shown(given: object) -> object:
    if isinstance(given, Unreadable):
        return given.kind, given.reason, given.raw
    assert isinstance(given, dict)
    msgspec.json.encode(given)  # what is no JSON cannot go on from here
    return given


def kinds(given: Iterable[object]) -> list[str]:
    return [each[0] if isinstance(each, tuple) else "record" for each in given]


# --- which envelope it is ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b'[{"a":1}]', "json_document"),
        (b' \r\n{"records":[', "json_document"),
        (b"PAR1\x15\x04", "parquet"),
        (b"TimeGenerated,Type\r\n", "csv"),
        (b'"TimeGenerated [UTC]",Type\n', "csv"),
        (BOM + b'"TimeGenerated [UTC]",Type\n', "csv"),
        (b"\xff\xfeT\x00i\x00", None),
        (b"\x89PNG\r\n\x1a\n", None),
        (b"one word", None),
        (b"", None),
    ],
)
def test_an_envelope_is_told_by_how_a_blob_begins(head: bytes, name: str | None) -> None:
    assert [each for each, envelope in envelopes().items() if envelope.opens(head)] == (
        [name] if name else []
    )


# --- JSON ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "records"),
    [
        ('[{"a":1},{"b":2}]', [{"a": 1}, {"b": 2}]),
        ('\r\n[\r\n  {"a": 1},\r\n  {"b": 2}\r\n]\r\n', [{"a": 1}, {"b": 2}]),
        ("[]", []),
        ("[ ]\n", []),
        ('{"records":[{"a":1},{"b":2}]}', [{"a": 1}, {"b": 2}]),
        ('{\n  "records" : [\n {"a":1}\n]\n}\n', [{"a": 1}]),
        ('{"Records":[{"a":1}],"more":{"of":["it"]}}', [{"a": 1}]),
        ('{"cost":{"of":1},"RECORDS":[{"a":1}]}', [{"a": 1}]),
        ('{"records":[]}', []),
        ('{"value":[{"a":1}],"nextLink":"https://example.net"}', [{"a": 1}]),
        ('{"a":1,"b":{"records":[1]}}', [{"a": 1, "b": {"records": [1]}}]),
        ('{"a":"]}{[ \\" \\\\"}', [{"a": ']}{[ " \\'}]),
        # Documents that were saved one behind the other.
        ('{\n"a":1\n}\n{\n"b":2\n}\n', [{"a": 1}, {"b": 2}]),
        ('[{"a":1}]\n[{"b":2}]', [{"a": 1}, {"b": 2}]),
        ('{"records":[{"a":1}],"x":[]}\n{"records":[{"b":2}]}', [{"a": 1}, {"b": 2}]),
        ('[[{"a":1}],[{"b":2},{"c":3}]]', [{"a": 1}, {"b": 2}, {"c": 3}]),
        # A query's answers: rows by the names of their columns; none; none but columns.
        (
            '{"tables":[{"name":"PrimaryResult","columns":[{"name":"A","type":"long"},'
            '{"name":"B","type":"dynamic"}],"rows":[[1,"{}"],[null,null]]}]}',
            [{"A": 1, "B": "{}"}, {"A": None, "B": None}],
        ),
        ('{"Tables":[{"Columns":[{"name":"A"}],"Rows":[]}]}', []),
        ('{"tables":[]}', []),
        (
            '[{"tables":[{"columns":[{"name":"A"}],"rows":[[1]]}]},'
            '{"tables":[{"columns":[{"name":"A"}],"rows":[[2]]}]}]',
            [{"A": 1}, {"A": 2}],
        ),
        # The command line's list, in which all is text.
        (
            '[{"Count":"57","TableName":"PrimaryResult"}]',
            [{"Count": "57", "TableName": "PrimaryResult"}],
        ),
        # The metrics interface's answer stays whole; so do several in an array.
        (
            '{"Timespan":"t","interval":"PT1M","value":[{"id":"m"}]}',
            [{"timespan": "t", "interval": "PT1M", "value": [{"id": "m"}]}],
        ),
        (
            '[{"timespan":"t","interval":"PT1M","value":[1]},{"timespan":"t","interval":"PT1H"}]',
            [
                {"timespan": "t", "interval": "PT1M", "value": [1]},
                {"timespan": "t", "interval": "PT1H"},
            ],
        ),
        # A file of Azure's REST specifications.
        ('{"parameters":{},"responses":{"200":{"body":{"value":[{"a":1}]}}}}', [{"a": 1}]),
        # The last of two keys counts, as in most readers of JSON.
        ('[{"a":1,"a":2}]', [{"a": 2}]),
        (
            '[{"a":-0.5e-3,"b":12345678901234567890123}]',
            [{"a": -0.0005, "b": 12345678901234567890123}],
        ),
        ('[{"a":"\\u00fc\\ud83d\\ude00"}]', [{"a": "ü😀"}]),
    ],
)
def test_json_gives_the_records_of_every_answer(content: str, records: Told, file: Path) -> None:
    assert told("json_document", content.encode(), file) == records
    assert told("json_document", BOM + content.encode(), file) == records
    assert told("json_document", gzip.compress(content.encode()), file) == records


@pytest.mark.parametrize(
    ("content", "given"),
    [
        # Cut short: all that came before is kept.
        (
            b'[{"a":1},{"b":[1,"x',
            [{"a": 1}, ("not JSON", "the document ends early", b'{"b":[1,"x')],
        ),
        (b'[{"a":1}', [{"a": 1}, ("not JSON", "the document ends early", b"")]),
        (b'{"records":[{"a":1},', [{"a": 1}, ("not JSON", "the document ends early", b",")]),
        (b'{"a":1', [("not JSON", "the document ends early", b'{"a":1')]),
        # Elements that are no records.
        (
            b'[1,{"a":1},"x", null ,{"b":2},[3]]',
            [
                ("not JSON", "not an object", b"1"),
                {"a": 1},
                ("not JSON", "not an object", b'"x", null'),
                {"b": 2},
                ("not JSON", "not an object", b"3"),
            ],
        ),
        # No JSON within a record: it costs no other.
        (
            b'[{"a":NaN},{"b":2},{"c":Infinity}]',
            [
                ("not JSON", "JSON is malformed: invalid character (byte 5)", b'{"a":NaN}'),
                {"b": 2},
                ("not JSON", "JSON is malformed: invalid character (byte 5)", b'{"c":Infinity}'),
            ],
        ),
        (
            b"[{'a':1},{\"b\":2}]",
            [
                ("not JSON", "JSON is malformed: object keys must be strings (byte 1)", b"{'a':1}"),
                {"b": 2},
            ],
        ),
        (
            b'[{"a":1e999},{"b":2}]',
            [("not JSON", "Number out of range - at `$[...]`", b'{"a":1e999}'), {"b": 2}],
        ),
        (b'[{"a":1}] and more', [{"a": 1}, ("not JSON", "not an object", b"and more")]),
        (
            b'[{"a":1}]}[{"b":2}]',
            [{"a": 1}, ("not JSON", "cannot be read on from here: a bracket too many", b"")],
        ),
        # Answers that are none.
        (
            b'{"tables":[{"columns":[{"name":"A"}],"rows":[[1],[1,2],[3]]}]}',
            [{"A": 1}, ("not JSON", "2 cells where 1 are named", b"[1,2]"), {"A": 3}],
        ),
        (
            b'{"tables":[7]}',
            [("not JSON", "no table of a query's answer: KeyError('columns')", b"")],
        ),
        (b'{"responses":{"200":null}}', [("not JSON", "not an object", b"null")]),
        # The service says so where it cut its answer.
        (
            b'{"tables":[{"columns":[{"name":"A"}],"rows":[[1]]}],"error":{"code":"PartialError"}}',
            [{"A": 1}, ("incomplete", "the query's answer is not complete: PartialError", b"")],
        ),
    ],
)
def test_what_is_no_record_is_told_in_its_place(content: bytes, given: Told, file: Path) -> None:
    assert told("json_document", content, file) == given


def test_text_that_is_no_utf_8_costs_one_record(file: Path) -> None:
    content = b'[{"a":"\xff"},{"a":"\\ud800"},{"b":2}]'
    assert kinds(told("json_document", content, file)) == ["not JSON", "not JSON", "record"]


@pytest.mark.parametrize("depth", [2_000, 200_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_what_is_nested_too_deeply_is_refused(
    depth: int, opening: str, closing: str, file: Path
) -> None:
    deep = '{"a":' + opening * depth + "1" + closing * depth + "}"
    for content in (f'[{deep},{{"b":2}}]', f'{{"records":[{deep},{{"b":2}}]}}', f'{deep}{{"b":2}}'):
        given = told("json_document", content.encode(), file)
        assert kinds(given) == ["too deep", "record"]
    assert kinds(told("json_document", opening.encode() * depth, file))[-1] == "not JSON"


def test_one_value_of_too_many_bytes_is_refused(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.envelopes.json_document.LARGEST_WHOLE_BYTES", MEBIBYTE)
    text = b"x" * 3 * MEBIBYTE
    assert kinds(told("json_document", b'[{"a":1},{"b":"' + text + b'"}]', file)) == [
        "record",
        "too large",
    ]
    assert kinds(told("json_document", b'{"value":["' + text + b'"]}', file)) == ["too large"]
    many = b",".join([b'{"a":1}'] * 300_000)
    assert len(told("json_document", b"[" + many + b"]", file)) == 300_000


def test_an_array_of_many_records_is_read_in_little_memory(file: Path) -> None:
    record = json.dumps({"time": "2026-03-10T10:00:00Z", "more": [{"a": "x" * 100}]})
    file.write_text('{"records":[' + ",\n".join([record] * 100_000) + "]}")
    assert file.stat().st_size > 14 * MEBIBYTE
    tracemalloc.start()
    count = sum(1 for _ in envelopes()["json_document"].records(blob_at(str(file))))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 100_000
    assert peak < 6 * MEBIBYTE


def test_records_are_the_same_wherever_a_chunk_of_the_blob_ends(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = (
        '{ "records" : [ {"a":"]\\\\\\"{"}, 7, {"b":[[{}]]} ], "x":[{}] }\n[{"c":"ü"}]'.encode()
    )
    whole = told("json_document", content, file)
    assert kinds(whole) == ["record", "not JSON", "record", "record"]
    for size in range(1, len(content)):
        monkeypatch.setattr("pipeline.storage.CHUNK_BYTES", size)
        assert told("json_document", content, file) == whole


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
RECORDS = st.lists(
    st.dictionaries(st.text(max_size=4), JSON, max_size=3).filter(
        lambda record: (
            not {"records", "value", "tables", "responses"} & {key.lower() for key in record}
        )
    ),
    max_size=4,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(records=RECORDS, indent=st.sampled_from([None, 2]), escaped=st.booleans())
def test_any_records_are_given_as_they_are(
    records: Told, indent: int | None, escaped: bool, file: Path
) -> None:
    for value in (records, {"records": records}):
        content = json.dumps(value, indent=indent, ensure_ascii=escaped).encode()
        assert told("json_document", content, file) == records


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    content=st.binary(max_size=60)
    | st.text(alphabet='[]{}":,\\ a1\n\r', max_size=60).map(str.encode),
    begins=st.sampled_from([b"", b"[", b'{"records":[', b"PAR1", b'a,"b [UTC]"\n', b'{"tables":[']),
)
def test_any_bytes_are_records_or_told_to_be_none(
    content: bytes, begins: bytes, file: Path
) -> None:
    for name in ("csv", "json_document", "parquet"):
        told(name, begins + content, file)


@pytest.mark.parametrize("name", ["csv", "json_document"])
def test_of_a_broken_gzip_stream_what_came_before_is_given(name: str, file: Path) -> None:
    rows = [f'{{"a":{number}}}' for number in range(50_000)]
    text = f"[{','.join(rows)}]" if name == "json_document" else "\n".join(["a,b", *rows])
    packed = gzip.compress(text.replace("{", "1,{").encode() if name == "csv" else text.encode())
    file.write_bytes(packed[: len(packed) * 2 // 3])
    records = envelopes()[name].records(blob_at(str(file)))
    given: list[object] = []
    with pytest.raises(BrokenBlobError):
        given.extend(records)
    assert 1_000 < len(given) < 50_000
    assert not any(isinstance(each, Unreadable) for each in given)


# --- CSV -----------------------------------------------------------------------------------------

PORTAL = '''\
"TimeGenerated [UTC]",Message,"Time [UTC]",Properties,Empty
"7/18/2025, 12:26:46.737 PM","two
lines, one ""quote""",,"{""a"":1}",
"1/2/2025, 12:00:00.000 AM",plain,"1/2/2025, 1:00:00 AM",true,''
'''
PORTAL_ROWS: list[dict[str, str | None]] = [
    {
        "TimeGenerated": "2025-07-18T12:26:46.737000Z",
        "Message": 'two\nlines, one "quote"',
        "Time": None,
        "Properties": '{"a":1}',
        "Empty": None,
    },
    {
        "TimeGenerated": "2025-01-02T00:00:00Z",
        "Message": "plain",
        "Time": "2025-01-02T01:00:00Z",
        "Properties": "true",
        "Empty": "''",
    },
]


@pytest.mark.parametrize("mark", [b"", BOM])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("packed", [False, True])
def test_csv_gives_the_rows_that_the_portal_saves(
    mark: bytes, newline: str, packed: bool, file: Path
) -> None:
    content = mark + PORTAL.replace("\n", newline).encode()
    rows = [
        {name: cell.replace("\n", newline) if cell else cell for name, cell in row.items()}
        for row in PORTAL_ROWS
    ]
    assert told("csv", gzip.compress(content) if packed else content, file) == rows


def test_csv_rows_are_the_same_wherever_a_chunk_of_the_blob_ends(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = PORTAL.replace("plain", "gr\u00fcn").replace("\n", "\r\n").encode()
    whole = told("csv", content, file)
    for size in range(1, len(content)):
        monkeypatch.setattr("pipeline.storage.CHUNK_BYTES", size)
        assert told("csv", content, file) == whole


@pytest.mark.parametrize(
    ("content", "given"),
    [
        (b"a,b\n", []),
        (b"a,b", []),
        (b"a , b\n1,2", [{"a": "1", "b": "2"}]),
        (b"a,b\n\n1,2\n\n", [{"a": "1", "b": "2"}]),
        (b"a,b\n,\n", [{"a": None, "b": None}]),
        # A time in another zone than UTC, and one that is told in none of the known ways.
        (
            b'"T [Local Time]",a\n"7/18/2025, 12:26:46.737 PM",1\n',
            [
                (
                    "wrong zone",
                    "column 'T [Local Time]' is in a zone that is not told; save it in UTC",
                    b"T [Local Time],a",
                )
            ],
        ),
        (
            b'"T [UTC]",a\n"18/7/2025, 12:26:46.737",1\n2025-07-18T12:26:46.1234567Z,2\n'
            b"2025-07-18T12:26:46+02:00,3\n",
            [
                (
                    "not CSV",
                    "T [UTC] is not a time: '18/7/2025, 12:26:46.737'",
                    b"18/7/2025, 12:26:46.737,1",
                ),
                {"T": "2025-07-18T12:26:46.123456Z", "a": "2"},
                {"T": "2025-07-18T10:26:46Z", "a": "3"},
            ],
        ),
        # Rows of another length, and text that is no UTF-8: no other row is lost.
        (
            b"a,b\n1\n2,3\n4,5,6\n",
            [
                ("not CSV", "1 cells where 2 are named", b"1"),
                {"a": "2", "b": "3"},
                ("not CSV", "3 cells where 2 are named", b"4,5,6"),
            ],
        ),
        (
            b"a,b\n1,\xff\n2,3\n",
            [("not UTF-8", "a cell is not UTF-8", b"1,\xff"), {"a": "2", "b": "3"}],
        ),
        (b"a,b,a\n1,2,3\n", [("not CSV", "more than one column is named 'a'", b"a,b,a")]),
        (
            b'"a [UTC]",a\n,2\n',
            [("not CSV", "more than one column is named 'a'", b"a [UTC],a")],
        ),
    ],
)
def test_csv_tells_what_is_no_row(content: bytes, given: Told, file: Path) -> None:
    assert told("csv", content, file) == given


@pytest.mark.parametrize(
    "row", ['"' + "x" * LONGEST_ROW, "x" * LONGEST_ROW + "x", '"\n",' * LONGEST_ROW]
)
def test_a_row_without_end_is_told_and_ends_the_reading(row: str, file: Path) -> None:
    given = told("csv", f"a,b\n1,2\n{row}\n3,4\n".encode(), file)
    assert kinds(given) == ["record", "not CSV"]
    assert isinstance(given[-1], tuple)
    assert "cannot be read on from here" in given[-1][1]


# --- Parquet -------------------------------------------------------------------------------------


def parquet(table: pa.Table, file: Path, **options: bool) -> Told:
    pq.write_table(table, file, **options)
    return told("parquet", file.read_bytes(), file)


def test_parquet_gives_rows_as_json_would_tell_them(file: Path) -> None:
    time = datetime(2026, 3, 10, 10, 0, 0, 123456)
    table = pa.table(
        {
            "TimeGenerated": pa.array([time, None], pa.timestamp("us", "UTC")),
            "Naive": pa.array([time, None], pa.timestamp("us")),
            "Day": [date(2026, 3, 10), None],
            "Lasts": [timedelta(seconds=1.5), None],
            "Text": ["a", ""],
            "Known": pa.array(["b", None]).dictionary_encode(),
            "Bytes": [b"c\xff", None],
            "Number": [1.5, float("nan")],
            "Exact": [Decimal("1.50"), None],
            "Dynamic": [{"a": [1, 2]}, None],
            "Nothing": pa.nulls(2),
        }
    )
    first, second = parquet(table, file)
    assert json.loads(msgspec.json.encode(first)) == {
        "TimeGenerated": "2026-03-10T10:00:00.123456+00:00",
        "Naive": "2026-03-10T10:00:00.123456",
        "Day": "2026-03-10",
        "Lasts": 1.5,
        "Text": "a",
        "Known": "b",
        "Bytes": "c\ufffd",
        "Number": 1.5,
        "Exact": "1.50",
        "Dynamic": {"a": [1, 2]},
        "Nothing": None,
    }
    assert json.loads(msgspec.json.encode(second)) == {
        name: "" if name == "Text" else None for name in table.column_names
    }


@pytest.mark.parametrize("old", [False, True])
def test_times_finer_than_microseconds_are_cut(old: bool, file: Path) -> None:
    nanoseconds = int(datetime(2026, 3, 10, 10, tzinfo=UTC).timestamp()) * 10**9 + 999_999_999
    table = pa.table({"t": pa.array([nanoseconds, None], pa.timestamp("ns"))})
    assert parquet(table, file, use_deprecated_int96_timestamps=old) == [
        {"t": "2026-03-10T10:00:00.999999"},
        {"t": None},
    ]


def test_a_time_in_a_zone_tells_its_offset(file: Path) -> None:
    time = datetime(2026, 7, 10, 10, tzinfo=UTC)
    table = pa.table({"t": pa.array([time], pa.timestamp("us", "Europe/Berlin"))})
    assert parquet(table, file) == [{"t": "2026-07-10T12:00:00+02:00"}]


def test_parquet_without_rows_gives_none(file: Path) -> None:
    assert parquet(pa.table({"a": pa.array([], pa.int64())}), file) == []


def test_many_rows_are_given_in_their_order(file: Path) -> None:
    table = pa.table({"a": range(20_000)})
    assert parquet(table, file) == [{"a": number} for number in range(20_000)]


def test_a_time_beyond_all_calendars_is_told(file: Path) -> None:
    table = pa.table({"t": pa.array([10**15], pa.timestamp("ms"))})
    assert kinds(parquet(table, file)) == ["not Parquet"]


def test_broken_parquet_gives_what_came_before_and_tells_the_rest(file: Path) -> None:
    pq.write_table(pa.table({"a": range(20_000), "b": ["x"] * 20_000}), file, row_group_size=5_000)
    content = file.read_bytes()
    assert kinds(told("parquet", content[:-100], file)) == ["not Parquet"]
    assert kinds(told("parquet", b"PAR1", file)) == ["not Parquet"]
    place = len(content) // 2
    broken = content[:place] + bytes(50) + content[place + 50 :]
    given = kinds(told("parquet", broken, file))
    assert given[-1] == "not Parquet"
    assert given.count("record") == len(given) - 1 > 4_000
