"""One row a day that was foretold: what a capacity review said of the week after it.

The next review holds it against what came. A forecast that was kept is never changed.
"""

from pipeline.dataset import Column, Dataset, Type

forecasts = Dataset(
    about="Daily peaks that capacity reviews foretold for the week after them.",
    grain="one day foretold of one resource by one review",
    columns=(
        Column("made", Type.DATE, "first day that was foretold: the review knew those before it"),
        Column("kind", Type.VARCHAR, "ports, measured_ports, nat_connections, …: what can be full"),
        Column("gateway", Type.VARCHAR, "gateway, in lower case"),
        Column("destination", Type.VARCHAR, "ip:port or host:port; null where of none"),
        Column("instance", Type.VARCHAR, "instance or part of it; null where of none"),
        Column("day", Type.DATE, "day foretold", "UTC"),
        Column("low", Type.DOUBLE, "its peak at least", "ports, connections or share"),
        Column("median", Type.DOUBLE, "its peak, probably", "ports, connections or share"),
        Column("high", Type.DOUBLE, "its peak at most", "ports, connections or share"),
        Column("capacity", Type.DOUBLE, "limit when foretold", "ports, connections or share"),
        Column("blob", Type.VARCHAR, "name of the review, that keeps it once"),
    ),
)
