"""In: logs and events that Prefect still holds. Out: whether they are sent, within seconds."""

from __future__ import annotations

import os
import sys
from typing import Final

from flows import server

# Seconds that each may take when the server does not answer any more.
PATIENCE: Final = 3.0


def delivered() -> bool:
    """Tell whether somebody takes logs and events; without a server, they get some seconds."""
    if "prefect" not in sys.modules or server.healthy(os.environ.get("PREFECT_API_URL", "")):
        return True
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    for worker in (APILogWorker, EventsWorker):
        worker.drain_all(timeout=PATIENCE)
    return False
