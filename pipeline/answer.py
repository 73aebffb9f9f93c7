"""What an answer is: the rows of a query, and what gives them again."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

import polars as pl


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query gave: its rows, and the parameters that give them again."""

    query: str
    parameters: dict[str, object]
    frame: pl.DataFrame

    @property
    def sha256(self) -> str:
        """A fingerprint of the rows: floats to nine digits, so that engines agree."""
        text = self.frame.with_columns(
            pl.selectors.float().map_elements(lambda value: f"{value:.9g}", pl.String)
        ).write_csv()
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def told(self) -> dict[str, str | int]:
        """The parameters as JSON can hold them."""
        return {
            name: value.isoformat() if isinstance(value, datetime) else value  # type: ignore[misc]
            for name, value in self.parameters.items()
        }
