"""One row a minute, API, destination and caller: how many requests came, and how they ended.

What the weekly review tells of traffic, promises and offenders, when the rows are long forgotten.
"""

from pipeline.dataset import Column, Dataset, Type

minutes = Dataset(
    about="Requests counted minute by minute: how many came, how they ended, how long they took.",
    grain="one minute, resource, API, destination and caller, for each commit of requests that "
    "was counted",
    partition="date",
    columns=(
        Column("date", Type.DATE, "day of the minute", "UTC"),
        Column("time", Type.TIMESTAMP, "start of the minute", "UTC"),
        Column("resource_id", Type.VARCHAR, "resource that logged the requests, in lower case"),
        Column("api", Type.VARCHAR, "id of the API; null where not told"),
        Column("called", Type.VARCHAR, "host or address called; null where none was"),
        Column("port", Type.INTEGER, "port called; null where not told"),
        Column(
            "caller",
            Type.VARCHAR,
            "subscription of the caller, else its address; null where not told, and of days whose "
            "rows were forgotten",
        ),
        Column("requests", Type.DOUBLE, "requests that started in the minute", "requests"),
        Column("failures", Type.DOUBLE, "of these, failed on this side of the caller", "requests"),
        Column(
            "starved",
            Type.DOUBLE,
            "of these, failed for they got no connection in time: as when ports run out",
            "requests",
        ),
        Column(
            "calls", Type.DOUBLE, "of the requests, called a backend by its address", "requests"
        ),
        Column("timed", Type.DOUBLE, "of the calls, succeeded and tell a BackendTime", "requests"),
        Column("backend_ms", Type.DOUBLE, "BackendTime of these, added up", "ms"),
        Column("busy_ms", Type.DOUBLE, "time that all calls took, added up", "ms"),
        Column("counted", Type.BIGINT, "version of the dataset requests whose rows are counted"),
    ),
)
