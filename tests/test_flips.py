"""What would move a hypothesis is told by the evidence that its place hangs on."""

from pipeline.finding import Verdict
from pipeline.flips import flips
from pipeline.hypothesis import Case, speaks_against, speaks_for

FIRST, SECOND, OUT = "backend_slow", "dns_failure", "tls_failure"


def told(lead: float, *second: float) -> dict[str, str]:
    """Of a first with pieces of 3 and 1 for it, and a second with pieces against it."""
    cases = {
        FIRST: Case(Verdict.SUPPORTED, [speaks_for(1, "One."), speaks_for(3, "Three.")]),
        SECOND: Case(
            Verdict.UNDECIDED, [speaks_against(each, f"Against {each:.0f}.") for each in second]
        ),
        OUT: Case(Verdict.EXCLUDED, [speaks_against(4, "None spoke of it.")]),
    }
    return flips(cases, {FIRST: lead, SECOND: 0.0}, {SECOND: "names that did not resolve"})


def test_the_first_hangs_on_the_piece_without_which_it_would_not_be() -> None:
    assert told(2.5)[FIRST] == "Without this, names that did not resolve would stand first: Three."


def test_what_speaks_against_the_second_can_be_that_piece() -> None:
    assert told(4.5, 5)[FIRST].endswith("would stand first: Against 5.")


def test_a_first_that_hangs_on_no_single_piece_says_so() -> None:
    assert told(6)[FIRST].startswith("No single piece of evidence: it leads")


def test_another_says_what_would_have_to_be_wrong_or_how_much_it_lacks() -> None:
    assert told(4.5, 5)[SECOND] == "If this were wrong, it would stand first: Against 5."
    assert "weighs 6.0 more, odds of 403 to 1" in told(6, 5)[SECOND]


def test_an_excluded_one_is_out_unless_what_excludes_it_is_wrong() -> None:
    assert told(1)[OUT] == "It is excluded unless this is wrong: None spoke of it."
