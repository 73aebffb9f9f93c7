"""One instance of the gateway was sick, the others were not."""

from pipeline.finding import Verdict
from pipeline.hypothesis import Case, hypothesis, speaks_against
from pipeline.limits import Way


@hypothesis(
    "One instance of the gateway was sick while the others were well.",
    name="one sick instance",
    prior=0.04,
    do_first="Restart or replace the instance that carries the failures.",
)
def single_instance_fault(way: Way) -> Case:
    """Gateway logs do not tell instances apart, so this can only be set aside for a single unit."""
    units = next(each for each in way.values if each.name == "units")
    if way.units == 1 and units.origin == "file":
        return Case(
            Verdict.EXCLUDED, [speaks_against(3.0, "The gateway has 1 unit: there is no other.")]
        )
    return Case(
        Verdict.UNDECIDED,
        [],
        "A source that tells instances apart: VNet flow logs by source ip, or metrics by instance.",
    )
