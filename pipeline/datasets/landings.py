"""One row a stretch of a blob that was read: the ledger of what became of every line."""

from pipeline.dataset import Column, Dataset, Type

landings = Dataset(
    about="What was read from each blob and what became of it: lines = rows + the other counts.",
    grain="the records of one format in one stretch of a blob, read in one go",
    columns=(
        Column("blob", Type.VARCHAR, "what was read"),
        Column("format", Type.VARCHAR, "format that claimed the records"),
        Column("dataset", Type.VARCHAR, "dataset that its rows went into"),
        Column("resource_id", Type.VARCHAR, "resource that most of its records speak of"),
        Column("envelope", Type.VARCHAR, "how records lie in the blob; null if line by line"),
        Column("generation", Type.INTEGER, "how often what was known of the blob was rewritten"),
        Column(
            "from_offset",
            Type.BIGINT,
            "where reading began: in bytes of the content, or in records if read as a whole",
        ),
        Column("to_offset", Type.BIGINT, "where reading ended; the next reading begins here"),
        Column("first_position", Type.BIGINT, "place of the first line read, counted from 1"),
        Column("next_position", Type.BIGINT, "place of the line that the next reading begins with"),
        Column("known", Type.VARCHAR, "digest of what was read, to tell growth from rewriting"),
        Column("etag", Type.VARCHAR, "the blob's version; null if not read to its end"),
        Column("lines", Type.BIGINT, "lines read, or records and their items", "count"),
        Column("rows", Type.BIGINT, "rows landed", "count"),
        Column("duplicates", Type.BIGINT, "records that the lake had already", "count"),
        Column("quarantined", Type.BIGINT, "records refused", "count"),
        Column("set_aside", Type.BIGINT, "records of kinds that nothing here uses", "count"),
        Column("pending", Type.BIGINT, "unfinished last lines, left for next time", "count"),
        Column("set_aside_kinds", Type.VARCHAR, "those kinds, by name"),
    ),
)
