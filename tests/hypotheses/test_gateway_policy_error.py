"""Policies that failed inside the gateway."""

from pipeline.finding import Verdict
from pipeline.hypotheses.gateway_policy_error import gateway_policy_error
from tests.given import CONNECT_TIMEOUT, SERVER_ERROR, times
from tests.recorded import RecordedMechanism


class TestGatewayPolicyError(RecordedMechanism):
    hypothesis = gateway_policy_error
    kind = times(
        CONNECT_TIMEOUT,
        1,
        destination=None,
        reason="ExpressionValueEvaluationFailure",
        fault="other",
    )
    other = SERVER_ERROR
    says = "ended in the gateway, before any backend was called"

    def test_a_failed_connect_without_a_destination_is_no_policy_error(self) -> None:
        assert self.tried(times(CONNECT_TIMEOUT, 100, destination=None)).verdict is Verdict.EXCLUDED

    def test_a_time_out_without_a_destination_is_no_policy_error(self) -> None:
        timed_out = times(CONNECT_TIMEOUT, 100, destination=None, reason="Timeout")
        assert self.tried(timed_out).verdict is Verdict.EXCLUDED
