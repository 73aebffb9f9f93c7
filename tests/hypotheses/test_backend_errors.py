"""Errors that the backend itself answered."""

from pipeline.finding import Verdict
from pipeline.hypotheses.backend_errors import backend_errors
from tests.given import CONNECT_TIMEOUT, SERVER_ERROR, times
from tests.recorded import RecordedMechanism


class TestBackendErrors(RecordedMechanism):
    hypothesis = backend_errors
    kind = SERVER_ERROR
    other = CONNECT_TIMEOUT
    says = "carry an HTTP status of 500 or more from the backend"

    def test_a_status_that_the_gateway_made_up_is_not_the_backends(self) -> None:
        made_up = times(self.kind, 100, backend_status=None, reason="BackendConnectionFailure")
        assert self.tried(made_up).verdict is Verdict.EXCLUDED
