"""Termination: SIGTERM asks a run to end; what does not end in time is ended, and the next goes on.

A thread waits for the signal, since the main one may be deep in a query and would not hear it.
"""

import os
import signal
import sys
from collections.abc import Callable
from threading import Event, Thread

# Schedulers kill after ten seconds or more.
PATIENCE_S = 8
STATUS = 1


def asked(patience_s: float = PATIENCE_S) -> Callable[[], bool]:
    """Begins to listen; gives what tells whether the run was asked to end.

    To be called before any other thread begins, for threads inherit what they hear.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    asked_to = Event()

    def listen() -> None:
        signal.sigwait({signal.SIGTERM})
        asked_to.set()
        # Long enough for a part to end; a longer one commits nothing by halves.
        Event().wait(patience_s)
        print("gateway-rca: ended by SIGTERM; the next run goes on from here", file=sys.stderr)
        sys.stderr.flush()
        os._exit(STATUS)

    Thread(target=listen, daemon=True, name="termination").start()
    return asked_to.is_set
