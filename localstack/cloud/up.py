"""`up`: from whatever is there to a running, deployed, seeded stack."""

import argparse
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cloud import browser, build, demo_site, emulator, front_door, ports, processes, seed, state, yt_dlp
from cloud.aws import REGION
from cloud.backends import BACKENDS, DEFAULT
from cloud.console import note, step
from cloud.deploy import STACK_NAME, deploy
from cloud.errors import CloudError
from cloud.paths import ENV_FILE, LOCAL, write_atomically
from cloud.show import SELECTORS, show
from cloud.state import Stack

_ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


def up(options: argparse.Namespace) -> None:
    """Does what `localstack/up` promises."""
    with state.locked(options.port):
        stack, fresh = _known_or_new(options)
        with _torn_down_on_failure(stack, fresh):
            _bring_up(stack, options)
            task = show(stack) if options.show else None
    _print_summary(stack, task)


def _known_or_new(options: argparse.Namespace) -> tuple[Stack, bool]:
    """The running stack on the port, or a new one that has nothing yet."""
    stack = state.load(options.port)
    if stack is not None and not stack.processes[emulator.NAME].alive():
        note(f"the stack on port {stack.port} has lost its emulator, and its data with it: starting anew")
        processes.stop(stack.processes.values(), stack.folder)
        stack.forget()
        stack = None
    door = stack.processes.get(front_door.NAME) if stack else None
    if (door is None or not door.alive()) and ports.is_taken(options.port):
        raise CloudError(f"port {options.port} is taken by another program: end that, or choose another with --port")
    if stack is not None:
        _refuse_changes(stack, options)
        stack.parameters |= dict(options.parameter)
        return stack, False
    backend = BACKENDS[options.backend or DEFAULT]
    stack = Stack(
        port=options.port,
        backend=backend.name,
        emulator_port=_given_or_free(options.emulator_port, "--emulator-port"),
        dynamodb_port=_given_or_free(options.dynamodb_port, "--dynamodb-port") if backend.has_own_dynamodb else 0,
        functions_endpoint=options.functions_endpoint or "",
        demo_port=ports.free_port(),
        parameters=dict(options.parameter),
    )
    # Those of the stack that was here before.
    for log in stack.folder.glob("*.log"):
        log.unlink()
    return stack, True


def _given_or_free(port: int | None, option: str) -> int:
    if port is not None and ports.is_taken(port):
        raise CloudError(f"port {port} is taken by another program: choose another with {option}")
    return port or ports.free_port()


def _refuse_changes(stack: Stack, options: argparse.Namespace) -> None:
    """What an emulator was started with stays."""
    for option, wanted, there in (
        ("--backend", options.backend, stack.backend),
        ("--emulator-port", options.emulator_port, stack.emulator_port),
        ("--functions-endpoint", options.functions_endpoint, stack.functions_endpoint),
    ):
        if wanted is not None and wanted != there:
            raise CloudError(f"{option} cannot change while the stack runs: localstack/down --port {stack.port} first")


@contextmanager
def _torn_down_on_failure(stack: Stack, fresh: bool) -> Iterator[None]:
    """A stack that did not come up leaves nothing behind but its logs; one that ran before goes on running."""
    try:
        yield
    except BaseException as error:
        if not fresh:
            error.add_note(f"the stack on port {stack.port} goes on as it was; its logs are in {stack.folder}")
        elif stack.processes:
            processes.stop(stack.processes.values(), stack.folder)
            stack.forget()
            error.add_note(f"what had been started is stopped; its logs stay in {stack.folder}")
        raise


def _bring_up(stack: Stack, options: argparse.Namespace) -> None:
    with step("Building the functions (the first time takes some minutes)"):
        build.build()
    if emulator.NAME not in stack.processes:
        BACKENDS[stack.backend].install()
        with step(f"Starting the local cloud: {stack.backend}"):
            emulator.start(stack)
    demo_site.start(stack)
    with step("Deploying template.yaml"):
        deployment = deploy(stack, options.release or build.CLONE, _machine(stack), _parameters(stack))
        note(f"stack {STACK_NAME}: {'deployed' if deployment.changed else 'nothing has changed'}")
    front_door.start(stack, deployment)
    seed.session_keys(stack)
    seed.sender(stack)
    if not seed.is_complete(stack):
        with step("Making the demonstration accounts"):
            seed.seed(stack)
    stack.save()
    _write_env(stack, options.env_file)


def _machine(stack: Stack) -> dict[str, str]:
    """What the template is deployed with on this machine, unless something else was asked for."""
    machine = platform.machine().lower()
    if machine not in _ARCHITECTURES:
        raise CloudError(f"functions run on x86_64 and arm64, not on {machine}")
    mail = {"MailFrom": seed.SENDER, "MailIdentity": seed.SENDER, "MailAllow": "company.com"}
    programs = {"Chromium": str(browser.find()), "YtDlpHome": str(yt_dlp.home())}
    sockets = {"Sockets": "true" if BACKENDS[stack.backend].has_sockets else "false"}
    return {"Architecture": _ARCHITECTURES[machine], "Rollout": "AllAtOnce", **programs, **sockets, "ResponseStreaming": "false", "ConsolePasswords": "true", **mail}


def _parameters(stack: Stack) -> dict[str, str]:
    """What the template is deployed with: what was asked for, and the demonstration site allowed."""
    allowed = [stack.demo_host, *filter(None, [stack.parameters.get("FetchAllow")])]
    return {**stack.parameters, "FetchAllow": ",".join(allowed)}


def _write_env(stack: Stack, elsewhere: Path | None) -> None:
    """What tests and scripts need, as NAME=value lines."""
    values = {
        "DROVER_URL": stack.url,
        "DROVER_DEMO_PAGE": _demo_page(stack),
        **stack.keys,
        "DROVER_BACKEND": stack.backend,
        "DROVER_AWS_ENDPOINT": stack.emulator,
        "DROVER_DYNAMODB_ENDPOINT": stack.dynamodb,
        "DROVER_REGION": REGION,
        "DROVER_STACK": STACK_NAME,
        "DROVER_FOLDER": str(stack.folder),
    }
    content = "".join(f"{name}={value}\n" for name, value in values.items())
    for path in (stack.env_file, elsewhere or ENV_FILE):
        write_atomically(path, content, mode=0o600)


def _demo_page(stack: Stack) -> str:
    return f"http://{stack.demo_host}{demo_site.pages()[0]}"


def _print_summary(stack: Stack, task: str | None) -> None:
    selectors = ", ".join(f'"{name}": "{selector}"' for name, selector in SELECTORS.items())
    body = (
        '{"name": "Extract product data", "task_type": "simple_scraping", '
        f'"config": {{"urls": ["{_demo_page(stack)}"], "selectors": {{{selectors}}}, "output_format": "json"}}}}'
    )
    key = stack.keys["DROVER_CLOUD_KEY"]
    keys = "\n".join(f"    {name:18}  {value}" for name, value in sorted(stack.keys.items()))
    stop = "localstack/down" if state.ports() == [stack.port] else f"localstack/down --port {stack.port}"
    print(f"""
Drover is up at {stack.url}
{keys}
    console             {stack.url}/console (as {seed.CONSOLE_EMAIL}, with DROVER_CONSOLE_PASSWORD)
    logs                {stack.folder.relative_to(LOCAL.parent.parent)}

Try:
    curl -X POST {stack.url}/tasks -H "Authorization: Bearer {key}" -H "Content-Type: application/json" -d '{body}'
    curl {stack.url}/tasks/{task or "TASK_ID"} -H "Authorization: Bearer {key}"
    curl -L {stack.url}/tasks/{task or "TASK_ID"}/download -H "Authorization: Bearer {key}" -o results.json

Stop it with: {stop}""")
