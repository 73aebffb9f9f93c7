"""One row a report handed to a target, so that none is forgotten and none handed on twice."""

from pipeline.dataset import Column, Dataset, Type

deliveries = Dataset(
    about="Which report went where: what is missing here is handed on by the next run.",
    grain="a revision of a report, handed to one target",
    columns=(
        Column("blob", Type.VARCHAR, "folder in the lake that holds its files, and the target"),
        Column("report", Type.VARCHAR, "folder in the lake that holds its files"),
        Column("target", Type.VARCHAR, "name of the target"),
        Column("delivered_at", Type.TIMESTAMP, "when it was handed on", "UTC"),
    ),
)
