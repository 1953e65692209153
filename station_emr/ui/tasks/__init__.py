"""Work off the GUI thread and the place where bugs arrive."""

from station_emr.ui.tasks.problems import ProblemSink
from station_emr.ui.tasks.runner import Lane, Progress, Task, TaskRunner

__all__ = ["Lane", "ProblemSink", "Progress", "Task", "TaskRunner"]
