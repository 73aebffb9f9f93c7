"""Policies that failed inside the gateway."""

from pipeline.hypothesis import Case, hypothesis, recorded_case
from pipeline.transforms.ways import Ways


@hypothesis(
    "A policy of the gateway failed; no backend was called.",
    name="an error in a gateway policy",
    prior=0.04,
    do_first="Read the policy that the error names, and its last change.",
)
def gateway_policy_error(ways: Ways) -> Case:
    """Policies that failed inside the gateway."""
    return recorded_case(
        ways,
        ways.in_gateway,
        "ended in the gateway, before any backend was called",
        figure="T3",
        would_decide="A trace of one failing request in the gateway's test console.",
    )
