"""Landed: what one run of ``land`` saw and did, in numbers."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class OfDataset:
    """What a run did for one dataset: counts of blobs, and of lines by what became of them."""

    read: int = 0
    skipped: int = 0
    lines: int = 0
    rows: int = 0
    duplicates: int = 0
    pending: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)
    set_aside: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Landing:
    """What one run of ``land`` saw and did.

    A line counts for the dataset of the format that claimed its blob, or itself. Blobs that are
    ``broken`` were read up to there. It ``stopped`` where it was told to end before all was read.
    """

    seen: int = 0
    datasets: dict[str, OfDataset] = field(default_factory=dict)
    unclaimed: dict[str, str] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    stopped: bool = False

    def of(self, name: str) -> OfDataset:
        """What was done for a dataset."""
        return self.datasets.setdefault(name, OfDataset())

    @property
    def read(self) -> int:
        """Blobs read."""
        return sum(each.read for each in self.datasets.values())

    @property
    def skipped(self) -> int:
        """Blobs that did not change."""
        return sum(each.skipped for each in self.datasets.values())

    @property
    def lines(self) -> int:
        """Lines read, unfinished ones too."""
        return sum(each.lines for each in self.datasets.values())

    @property
    def rows(self) -> Counter[str]:
        """Rows landed, by dataset."""
        return Counter({name: each.rows for name, each in self.datasets.items() if each.rows})

    @property
    def duplicates(self) -> int:
        """Records that the lake had already."""
        return sum(each.duplicates for each in self.datasets.values())

    @property
    def pending(self) -> int:
        """Unfinished last lines."""
        return sum(each.pending for each in self.datasets.values())

    @property
    def quarantined(self) -> Counter[str]:
        """Records refused, by the refusal's class."""
        return sum((each.quarantined for each in self.datasets.values()), Counter())

    @property
    def set_aside(self) -> Counter[str]:
        """Records of kinds that nothing uses, by kind."""
        return sum((each.set_aside for each in self.datasets.values()), Counter())

    @property
    def complete(self) -> bool:
        """Whether every blob that is an export was read to its end."""
        return not self.unreadable and not self.broken
