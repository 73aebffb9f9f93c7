"""Calls that the backend throttled."""

from pipeline.finding import Verdict
from pipeline.hypotheses.destination_throttling import destination_throttling
from tests.given import SERVER_ERROR, times
from tests.recorded import RecordedMechanism


class TestDestinationThrottling(RecordedMechanism):
    hypothesis = destination_throttling
    kind = times(SERVER_ERROR, 1, outcome="rejected", backend_status=429)
    other = SERVER_ERROR
    says = "were turned away by the backend with 429"

    def test_the_gateways_own_rate_limit_is_not_the_backends(self) -> None:
        own = times(
            self.kind, 100, backend_status=None, reason="RateLimitExceeded", destination=None
        )
        assert self.tried(own).verdict is Verdict.EXCLUDED
