"""One row a record that could not be read."""

from pipeline.dataset import Column, Dataset, Type

quarantine = Dataset(
    about="Records that could not be read, kept so that nothing is lost in silence.",
    grain="one record that was refused",
    columns=(
        Column("blob", Type.VARCHAR, "where the record was read from"),
        Column("position", Type.BIGINT, "its place in the blob: the line or record, from 1"),
        Column("item", Type.BIGINT, "its place in that record, counted from 1"),
        Column("format", Type.VARCHAR, "format that claimed the blob"),
        Column("kind", Type.VARCHAR, "the refusal's class, for counting"),
        Column("reason", Type.VARCHAR, "why it was refused, in full", may_hold_secrets=True),
        Column(
            "raw",
            Type.VARCHAR,
            "the record, secrets removed, cut to its first 32 KiB",
            may_hold_secrets=True,
        ),
        Column("raw_bytes", Type.BIGINT, "length of the whole record", "bytes"),
    ),
)
