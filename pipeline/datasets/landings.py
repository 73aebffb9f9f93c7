"""One row a stretch of a blob that was read: the ledger of what became of every line."""

from pipeline.dataset import Column, Dataset, Type

landings = Dataset(
    about="What was read from each blob and what became of it: lines = rows + the other counts.",
    grain="one stretch of a blob, read in one go",
    columns=(
        Column("blob", Type.VARCHAR, "what was read"),
        Column("format", Type.VARCHAR, "format that claimed it"),
        Column("dataset", Type.VARCHAR, "dataset that its rows went into"),
        Column("resource_id", Type.VARCHAR, "resource that most of its records speak of"),
        Column("from_byte", Type.BIGINT, "where reading began", "bytes"),
        Column(
            "to_byte", Type.BIGINT, "where reading ended; the next reading begins here", "bytes"
        ),
        Column("first_position", Type.BIGINT, "place of the first line read, counted from 1"),
        Column("next_position", Type.BIGINT, "place of the line that the next reading begins with"),
        Column("lines", Type.BIGINT, "lines read, empty ones left out", "count"),
        Column("rows", Type.BIGINT, "rows landed", "count"),
        Column("duplicates", Type.BIGINT, "records that the lake had already", "count"),
        Column("quarantined", Type.BIGINT, "records refused", "count"),
        Column("set_aside", Type.BIGINT, "records of kinds that nothing here uses", "count"),
        Column("pending", Type.BIGINT, "unfinished last lines, left for next time", "count"),
        Column("set_aside_kinds", Type.VARCHAR, "those kinds, by name"),
    ),
)
