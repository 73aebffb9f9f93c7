"""One row a second, destination and kind of ending: how many backend calls began and ended then.

Hold times, reuse and limits are applied when asked, by adding these up over time, so that the
history of ports outlives the rows it was counted from.
"""

from pipeline.dataset import Column, Dataset, Type

activity = Dataset(
    about="Backend calls that began and ended, second by second: what port occupancy is made of.",
    grain="one second, resource, instance, destination and kind of ending, for each commit of "
    "requests that was counted",
    partition="date",
    columns=(
        Column("date", Type.DATE, "day on which the calls began", "UTC"),
        Column("time", Type.TIMESTAMP, "start of the second", "UTC"),
        Column("resource_id", Type.VARCHAR, "resource that logged the calls, in lower case"),
        Column("instance", Type.VARCHAR, "instance of it that made them; null where not told"),
        Column("called", Type.VARCHAR, "host or address called, as the records name it"),
        Column("port", Type.INTEGER, "port called; null where not told"),
        Column("host", Type.VARCHAR, "host called; null where only an address is told"),
        Column(
            "ending",
            Type.VARCHAR,
            "answered, shared (HTTP/2), reset, refused, unanswered (no connection came about) or "
            "other",
        ),
        Column("started", Type.DOUBLE, "calls that began in the second", "requests"),
        Column(
            "ended",
            Type.DOUBLE,
            "calls that were over at its start, and not a second before",
            "requests",
        ),
        Column("counted", Type.BIGINT, "version of the dataset requests whose rows are counted"),
    ),
)
