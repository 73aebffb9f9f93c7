"""Credentials that the backend refused."""

from pipeline.finding import Verdict
from pipeline.hypotheses.authentication_failure import authentication_failure
from tests.given import SERVER_ERROR, times
from tests.recorded import RecordedMechanism


class TestAuthenticationFailure(RecordedMechanism):
    hypothesis = authentication_failure
    kind = times(SERVER_ERROR, 1, outcome="rejected", backend_status=401)
    other = SERVER_ERROR
    says = "were turned away by the backend with 401 or 403"

    def test_a_backend_that_forbids_counts_too(self) -> None:
        forbidden = times(self.kind, 100, backend_status=403)
        assert self.tried(forbidden).verdict is Verdict.SUPPORTED

    def test_throttling_is_not_authentication(self) -> None:
        assert self.tried(times(self.kind, 100, backend_status=429)).verdict is Verdict.EXCLUDED
