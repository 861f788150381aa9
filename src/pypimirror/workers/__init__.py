"""Work beside the main thread: calls in threads, and requests in processes of their own."""

from pypimirror.workers.guard import broken, guarded
from pypimirror.workers.pool import Workers, suitable_processes
from pypimirror.workers.threads import Readers, suitable_readers

__all__ = ["Readers", "Workers", "broken", "guarded", "suitable_processes", "suitable_readers"]
