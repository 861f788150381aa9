"""Work beside the main thread: calls in threads, and requests in processes of their own."""

from pypimirror.workers.crew import MAX_THREADS, Crew, suitable_processes
from pypimirror.workers.threads import Pool, suitable_readers

__all__ = ["MAX_THREADS", "Crew", "Pool", "suitable_processes", "suitable_readers"]
