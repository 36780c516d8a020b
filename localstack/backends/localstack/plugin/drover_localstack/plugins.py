"""What LocalStack loads: see `entry_points.txt` beside this package. Imports late, as its own plugins do."""

from typing import Any

from localstack.runtime import hooks
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin


class ProcessExecutorPlugin(RuntimeExecutorPlugin):
    """The executor that `LAMBDA_RUNTIME_EXECUTOR=process` names."""

    name = "process"

    def load(self, *_args: Any, **_kwargs: Any) -> type:
        """The executor's class."""
        from drover_localstack.executor import ProcessExecutor

        return ProcessExecutor


@hooks.on_infra_start(name="drover")
def mend_faults() -> None:
    """Mends faults before anything is served."""
    from drover_localstack import faults

    faults.mend()
