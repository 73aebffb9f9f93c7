"""What an answer is: the rows of a query, and what gives them again."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

import polars as pl

DIGITS = 9


def settled(frame: pl.DataFrame) -> pl.DataFrame:
    """The same rows, floats to nine digits.

    Engines and threads add them in any order, so that the digits behind these differ from run to
    run: 3.7499999999999996 and 3.75 are one number, and would be told as two.
    """
    return frame.with_columns(pl.selectors.float().round_sig_figs(DIGITS))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query gave: its rows, and the parameters that give them again."""

    query: str
    parameters: dict[str, object]
    frame: pl.DataFrame

    @property
    def sha256(self) -> str:
        """A fingerprint of the rows.

        Lists of a row stand side by side, in any order, and their floats are counts that add up:
        how rows came into the lake, at once or one by one, is no matter.
        """
        lists = [name for name, kind in self.frame.schema.items() if kind == pl.List]
        others = self.frame.drop(lists)
        frame = self.frame.sort(others.columns) if lists else self.frame
        digest = hashlib.sha256(settled(frame.drop(lists)).write_csv().encode())
        # Row by row: all at once would take gigabytes where there are millions of seconds.
        for row in range(frame.height) if lists else ():
            own = pl.DataFrame({name: frame[name][row] for name in lists})
            for column in settled(_added_up(own)):
                digest.update(column.to_numpy().tobytes())
        return digest.hexdigest()

    @property
    def told(self) -> dict[str, str | int]:
        """The parameters as JSON can hold them."""
        return {
            name: value.isoformat() if isinstance(value, datetime) else value  # type: ignore[misc]
            for name, value in self.parameters.items()
        }


def _added_up(lists: pl.DataFrame) -> pl.DataFrame:
    counts = [name for name, kind in lists.schema.items() if kind.is_float()]
    others = [name for name in lists.columns if name not in counts]
    return lists.group_by(others).agg(pl.col(counts).sum()).sort(others)
