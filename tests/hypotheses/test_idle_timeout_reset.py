"""Connections cut by an idle timer."""

from pipeline.finding import Verdict
from pipeline.hypotheses.idle_timeout_reset import idle_timeout_reset
from tests.given import CONNECT_TIMEOUT, SERVER_ERROR, times
from tests.recorded import RecordedMechanism


class TestIdleTimeoutReset(RecordedMechanism):
    hypothesis = idle_timeout_reset
    kind = times(CONNECT_TIMEOUT, 1, fault="idle_closed")
    other = SERVER_ERROR
    says = "say that an established connection was closed under them"

    def test_a_connection_reset_by_its_peer_is_not_an_idle_one(self) -> None:
        assert self.tried(times(self.kind, 100, fault="reset")).verdict is Verdict.EXCLUDED
