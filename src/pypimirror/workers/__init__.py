"""Work beside the main thread: requests in processes of their own, and reading in threads."""

from pypimirror.workers.guard import guarded
from pypimirror.workers.messages import Task
from pypimirror.workers.pool import Workers, suitable_processes
from pypimirror.workers.threads import Readers, suitable_readers

__all__ = ["Readers", "Task", "Workers", "guarded", "suitable_processes", "suitable_readers"]
