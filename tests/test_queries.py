"""Each query keeps its header's word, and answers its cases: tests/queries/<topic>/<name>.toml."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import time
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from pipeline.arrivals import Arrivals
from pipeline.ask import tell_topology
from pipeline.config import Settings
from pipeline.dataset import DATED, Type
from pipeline.datasets import datasets
from pipeline.engine import Engine
from pipeline.engines.duckdb import DuckDB
from pipeline.errors import PipelineError
from pipeline.query import Query, queries
from pipeline.source import Source
from pipeline.sources import sources
from pipeline.stretch import Gathered
from tests import tables

CASES = Path(__file__).parent / "queries"
QUERIES = sorted(queries().values(), key=lambda query: query.path)
# Tables of the topology, which the pipeline holds beside the lake's datasets.
HELD: dict[str, tables.Types] = {
    "destinations": dict.fromkeys(("named", "address", "host", "path"), Type.VARCHAR),
    "gateways": {"gateway": Type.VARCHAR, "requests_a_record": Type.DOUBLE},
}
# What a caller lays over the files of any dataset, or holds of the answer to another query.
LAID_OVER: dict[str, tables.Types] = {
    "dated": {each.name: each.type for each in DATED.columns},
    "places": {each.name: Type(each.type.lower()) for each in queries()["places_called"].returns},
}
# DuckDB's types that the declared ones hold; sums of whole numbers come so.
WIDER = {"HUGEINT": "BIGINT"}
# The name of a blob, while its rows are in the engine.
NARROWER = {"ENUM('blob')": "VARCHAR"}
# What Spark lacks, or answers differently in silence.
UNPORTABLE = re.compile(
    r"\b(time_bucket|epoch_us|epoch_ms|asof|exclude|replace|pivot|unpivot|qualify|lambda"
    r"|percentile_cont|to_milliseconds|to_microseconds|to_seconds|strftime|strptime|list_\w+)\b"
    r"|::|\[",
    re.IGNORECASE,
)


def is_landing(query: Query) -> bool:
    """Whether it reads lines, which DuckDB alone does."""
    return query.path.startswith("queries/landing/")


# A parameter of each type, where only the types matter.
SOME: dict[str, object] = {"INTEGER": 1, "TIMESTAMP": tables.on_day(time()), "VARCHAR": ""}
PORTABLE = [query for query in QUERIES if not is_landing(query)]


def case_file(query: Query) -> Path:
    return CASES / Path(query.path).relative_to("queries").with_suffix(".toml")


@dataclass(frozen=True, slots=True)
class Case:
    """Tables and parameters that a query is given, and the rows it then answers."""

    query: Query
    about: str
    given: Mapping[str, str]
    every: Mapping[str, dict[str, object]]
    parameters: Mapping[str, object]
    then: str

    def __str__(self) -> str:
        return f"{self.query.name}: {self.about}"


def cases(query: Query) -> list[Case]:
    """The cases of a query; ``every`` row of a table and ``with`` hold for the whole file."""
    said = tomllib.loads(case_file(query).read_text(encoding="utf-8"))
    return [
        Case(
            query,
            case["about"],
            case.get("given", {}),
            said.get("every", {}),
            _bound({**said.get("with", {}), **case.get("with", {})}),
            case["then"],
        )
        for case in said["case"]
    ]


def _bound(parameters: Mapping[str, object]) -> dict[str, object]:
    return {
        name: tables.on_day(value) if isinstance(value, time) else value
        for name, value in parameters.items()
    }


def all_cases(of: list[Query]) -> list[Case]:
    return [case for query in of if case_file(query).exists() for case in cases(query)]


def tables_read(query: Query) -> set[str]:
    """The tables that a query reads, those that its sources read included."""
    return {
        table
        for source in query.sources
        for table in (tables_read(queries()[source]) if source in queries() else [source])
    }


def give(engine: Engine, case: Case) -> None:
    """Makes every table that the query reads known; one that the case does not give is empty."""
    read = tables_read(case.query)
    assert not set(case.given) - read, f"{case.query.name} reads only {', '.join(sorted(read))}"
    for name in read:
        types = (HELD | LAID_OVER).get(name) or _types_of(name)
        rows = tables.rows(case.given.get(name, ""), types)
        engine.hold(name, tables.arrow(_filled(rows, types, case.every.get(name, {})), types))


def _types_of(dataset: str) -> tables.Types:
    return {each.name: each.type for each in datasets()[dataset].columns}


def _filled(
    rows: tables.Rows, types: tables.Types, every: Mapping[str, object]
) -> Iterator[Mapping[str, object]]:
    """The rows with what every row has; a place in the blob is counted unless it is stated."""
    for number, row in enumerate(rows, start=1):
        place = {"blob": "blob", "position": number} if "position" in types else {}
        yield {**place, **every, **row}


def check(engine: Engine, case: Case) -> None:
    """The answer has the expected rows, and no two of them share the grain's values."""
    assert set(case.parameters) == {each.name for each in case.query.parameters}
    compare(engine.ask(case.query, case.parameters), case)


def compare(answered: pa.Table, case: Case) -> None:
    query = case.query
    names = tables.header(case.then) or [each.name for each in query.returns]
    answer = answered.select([*dict.fromkeys([*names, *query.grain])]).to_pylist()
    expected = tables.rows(
        case.then, {each.name: Type(each.type.lower()) for each in query.returns}
    )
    given_back = [{name: row[name] for name in names} for row in answer]
    if not re.search(r"^order by", query.sql, re.MULTILINE):
        expected, given_back = _in_any_order(expected), _in_any_order(given_back)
    assert given_back == [_approximately(row) for row in expected], (
        f"{case}\nanswered\n{tables.shown(names, answer)}"
    )
    grains = [tuple(row[name] for name in query.grain) for row in answer]
    assert len(set(grains)) == len(grains)


def _in_any_order(rows: tables.Rows) -> tables.Rows:
    return sorted(rows, key=lambda row: [str(value) for value in row.values()])


def _approximately(row: dict[str, object]) -> dict[str, object]:
    return {
        name: pytest.approx(value, rel=1e-9, abs=1e-9) if isinstance(value, float) else value
        for name, value in row.items()
    }


def empty(engine: Engine, query: Query) -> None:
    give(engine, Case(query, "", {}, {}, {}, ""))


def sources_of(query: Query) -> list[Source]:
    """The formats that a query lands."""
    return [each for each in sources().values() if each.query == query.name]


def over_lines(query: Query, folder: Path, lines: str) -> duckdb.DuckDBPyConnection:
    """Where the lines arrived: ``records`` as they are read, ``arrived`` as they become rows.

    Of several formats that share a query, any will do: their records have the same fields.
    """
    path = folder / "lines.json"
    path.write_text(lines, encoding="utf-8")
    gathered = Gathered(path)
    gathered.goes_on("blob", 1)
    gathered.count = lines.count("\n")
    source = sources_of(query)[0]
    arrivals = Arrivals(threads=1, memory="300MB")
    arrivals.begin(source.dataset, ["blob"])
    arrivals.add(gathered, source)
    # Rows that are refused never leave it, yet a case may look at them.
    return arrivals._connection


def described(query: Query, folder: Path) -> list[tuple[str, str]]:
    """The columns and types that the query's SQL gives by itself."""
    if is_landing(query):
        rows = over_lines(query, folder, "").execute(f"describe {query.sql}").fetchall()
        return [(name, NARROWER.get(kind, kind)) for name, kind, *_ in rows]
    engine = DuckDB()
    empty(engine, query)
    return engine.described(query)


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_a_query_has_its_files_name(query: Query) -> None:
    assert query.name == Path(query.path).stem


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_a_query_is_about_a_question(query: Query) -> None:
    assert query.about.endswith("?")


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_its_grain_is_among_what_it_returns(query: Query) -> None:
    assert set(query.grain) <= {each.name for each in query.returns}


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_the_tables_it_reads_are_the_sources_it_declares(query: Query) -> None:
    # DuckDB parses no statement with open parameters here; what they are does not matter.
    read = DuckDB().connection.get_table_names(re.sub(r"\$\w+", "null", query.sql))
    assert read == set(query.sources)


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_its_sources_are_known(query: Query) -> None:
    assert set(query.sources) <= {*datasets(), *queries(), *HELD, *LAID_OVER, "records"}


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_its_sql_gives_what_it_declares_in_order_and_type(query: Query, tmp_path: Path) -> None:
    told = [(name, WIDER.get(kind, kind)) for name, kind in described(query, tmp_path)]
    assert told == [(each.name, each.type) for each in query.returns]


@pytest.mark.parametrize("query", PORTABLE, ids=lambda query: query.name)
def test_an_answer_has_the_declared_columns_even_over_empty_tables(
    query: Query, engine: Engine
) -> None:
    empty(engine, query)
    answer = engine.ask(query, {each.name: SOME[each.type] for each in query.parameters})
    assert answer.num_rows == 0
    assert list(zip(answer.schema.names, answer.schema.types, strict=True)) == [
        (each.name, Type(each.type.lower()).arrow) for each in query.returns
    ]


@pytest.mark.parametrize("query", PORTABLE, ids=lambda query: query.name)
def test_it_keeps_to_the_sql_that_two_engines_speak(query: Query) -> None:
    code = "\n".join(line.partition("--")[0] for line in query.sql.splitlines())
    assert not UNPORTABLE.findall(code)


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_it_has_cases_of_both_ends_of_the_story(query: Query) -> None:
    assert len(cases(query)) >= 2
    assert all(case.about.endswith(".") for case in cases(query))


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_its_case_file_says_nothing_that_is_not_read(query: Query) -> None:
    said = tomllib.loads(case_file(query).read_text(encoding="utf-8"))
    assert set(said) <= {"every", "with", "case"}
    assert set(said.get("every", {})) <= tables_read(query)
    assert {key for case in said["case"] for key in case} <= {"about", "given", "with", "then"}


def test_no_case_file_is_left_without_a_query() -> None:
    assert set(CASES.rglob("*.toml")) <= {case_file(query) for query in QUERIES}


def test_the_tables_held_in_cases_are_those_that_the_pipeline_holds() -> None:
    engine = DuckDB()
    engine.hold("requests", datasets()["requests"].empty())
    tell_topology(engine, Settings())
    held = {name: engine.connection.table(name) for name in HELD}
    assert {
        name: dict(zip(table.columns, map(str, table.types), strict=True))
        for name, table in held.items()
    } == {name: {column: kind.upper() for column, kind in HELD[name].items()} for name in HELD}


@pytest.mark.parametrize("case", all_cases(PORTABLE), ids=str)
def test_a_case(case: Case, engine: Engine) -> None:
    give(engine, case)
    check(engine, case)


LANDING = [query for query in QUERIES if is_landing(query)]


@pytest.mark.parametrize("case", all_cases(LANDING), ids=str)
def test_a_landing_case(case: Case, tmp_path: Path) -> None:
    arrived = over_lines(case.query, tmp_path, case.given["records"].lstrip())
    compare(arrived.sql("from arrived order by position, item").to_arrow_table(), case)


@pytest.mark.parametrize("query", LANDING, ids=lambda query: query.name)
def test_a_landing_query_has_formats_whose_records_have_the_same_fields(query: Query) -> None:
    assert sources_of(query)
    assert len({tuple(each.columns().items()) for each in sources_of(query)}) == 1


@pytest.mark.parametrize("query", LANDING, ids=lambda query: query.name)
def test_a_landing_query_gives_the_columns_of_its_dataset(query: Query) -> None:
    (dataset,) = {each.dataset for each in sources_of(query)}
    told = {each.name: each.type for each in query.returns if each.name != "refused"}
    assert told == {name: kind.upper() for name, kind in _types_of(dataset).items()}


HEADED = """\
-- name: slowest
-- about: Which backend is slowest?
-- source: requests
-- grain: backend
-- param: start TIMESTAMP
-- returns: backend VARCHAR - id of the backend
select backend
from requests
where time >= $start
group by backend
"""


def test_a_header_is_read() -> None:
    query = Query.parsed(HEADED, "queries/latency/slowest.sql")
    assert (query.name, query.sources, query.grain) == ("slowest", ("requests",), ("backend",))
    assert [
        (each.name, each.type, each.meaning) for each in (*query.parameters, *query.returns)
    ] == [("start", "TIMESTAMP", ""), ("backend", "VARCHAR", "id of the backend")]
    assert query.sql.startswith("select backend\n")


@pytest.mark.parametrize(
    ("written", "instead", "said"),
    [
        ("-- grain:", "-- grian:", "{path}:4: unknown key 'grian'; did you mean 'grain'?"),
        ("-- grain: backend", "-- author: me", "{path}:4: unknown key 'author'"),
        (
            "-- grain: backend\n",
            "",
            "{path}:1: key 'grain' stands 0 times; write one line '-- grain: …'",
        ),
        (
            "-- grain: backend",
            "-- grain: backend\n-- grain: host",
            "{path}:1: key 'grain' stands 2 times; write one line '-- grain: …'",
        ),
        (
            "-- about: ",
            "-- ",
            "{path}:2: a header line is '-- key: value'; this is not",
        ),
        (
            "-- param: start TIMESTAMP\n",
            "",
            "{path}:1: parameters declared (none) and used (start) differ; declare each with a "
            "line '-- param: name TYPE'",
        ),
        (
            "time >= $start",
            "true",
            "{path}:1: parameters declared (start) and used (none) differ; declare each with a "
            "line '-- param: name TYPE'",
        ),
        (
            "start TIMESTAMP",
            "start",
            "'start' has no type; write 'name TYPE - meaning'",
        ),
    ],
)
def test_a_broken_header_is_told_with_its_place_and_the_cure(
    written: str, instead: str, said: str
) -> None:
    path = "queries/latency/slowest.sql"
    with pytest.raises(PipelineError) as told:
        Query.parsed(HEADED.replace(written, instead), path)
    assert said.format(path=path) in str(told.value)
    assert str(told.value).startswith(f"{path}:")
