"""One row a report issued by the scheduled job: what it said, and by which data."""

from pipeline.dataset import Column, Dataset, Type

reports = Dataset(
    about="Reports that the scheduled job issued: what each said, and which data it rested on.",
    grain="a revision of a report",
    columns=(
        Column("blob", Type.VARCHAR, "folder in the lake that holds its files"),
        Column("kind", Type.VARCHAR, "incident or capacity"),
        Column("id", Type.VARCHAR, "the incident's id, the same over revisions"),
        Column("revision", Type.INTEGER, "1, and one more each time that it changed"),
        Column("issued_at", Type.TIMESTAMP, "when it was issued", "UTC"),
        Column("gateway", Type.VARCHAR, "gateway; null if of several"),
        Column("onset", Type.TIMESTAMP, "start of the incident or the week", "UTC"),
        Column("finish", Type.TIMESTAMP, "its end as far as the data goes", "UTC"),
        Column("going", Type.BOOLEAN, "whether it was still going at the end of the data"),
        Column("mechanism", Type.VARCHAR, "mechanism that the verdict names"),
        Column("trigger", Type.VARCHAR, "trigger that it names"),
        Column("status", Type.VARCHAR, "how sure it is"),
        Column("snat", Type.VARCHAR, "whether SNAT ports ran out"),
        Column("complete", Type.BOOLEAN, "false if stamped INCOMPLETE"),
        Column("evidence", Type.VARCHAR, "rows that it rested on, by dataset, as JSON"),
        Column("title", Type.VARCHAR, "what it says, in one line"),
        Column("says", Type.VARCHAR, "the summary, line by line"),
        Column("files", Type.VARCHAR, "names of its files, by commas"),
    ),
)
