"""Work beside the main thread: calls in threads, and requests in processes of their own."""

from pypimirror.workers.guard import broken, guarded
from pypimirror.workers.pool import MAX_THREADS, Workers, suitable_processes
from pypimirror.workers.threads import Readers, suitable_readers

__all__ = ["MAX_THREADS", "Readers", "Workers", "broken", "guarded", "suitable_processes", "suitable_readers"]
