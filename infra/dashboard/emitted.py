"""Which metrics the code emits, and by which functions: the names in `counter!(…)` and `histogram!(…)`, of a function's own crate and of the shared
crates that it is made of.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# The name; and, up to where something is done with the metric, its labels.
_RECORDED = re.compile(r"\b(?:counter|gauge|histogram)!\(\s*([^,)]*)((?:(?!\)\s*\.)[^;])*)")
_LITERAL = re.compile(r'"(\w+)"')
_LABEL = re.compile(r'"(\w+)"\s*=>')
_EVERY = frozenset({"function"})
"""The dimension of every metric (shared/telemetry)."""
_BY_CALL = {"SecretsRefused": re.compile(r"\.forget_refused\(")}
"""Metrics that are emitted for whoever calls this of a shared crate, and not by all who depend on the crate."""

OF_REQUESTS = frozenset({"Requests", "Latency", "ServerErrors"})
"""What every function emits that answers HTTP requests (shared/api)."""
OF_ANY = frozenset({"ErrorLines"})
"""What every function emits (shared/telemetry)."""

Metrics = dict[str, frozenset[str]]
"""The names of metrics, with those of the dimensions of each."""


@dataclass(frozen=True)
class Crate:
    """What is known of a crate."""

    metrics: Metrics
    uses: frozenset[str]
    """The shared crates that it depends on itself."""


@dataclass(frozen=True)
class Emitted:
    """The crates of the functions, and the shared ones, by their names."""

    functions: dict[str, Crate]
    shared: dict[str, Crate]

    @property
    def names(self) -> frozenset[str]:
        """All metrics there are."""
        return frozenset(name for crate in [*self.functions.values(), *self.shared.values()] for name in crate.metrics)

    def own(self, function: str) -> frozenset[str]:
        """Those of a function's own crate."""
        return frozenset(self.functions[function].metrics if function in self.functions else ())

    def by(self, function: str, *, answers: bool) -> Metrics:
        """Those that a function may emit; those of requests only if it `answers` any."""
        found = {name: dimensions for crate in self._made_of(function) for name, dimensions in crate.metrics.items()}
        return {name: dimensions for name, dimensions in found.items() if answers or name not in OF_REQUESTS}

    def _made_of(self, function: str) -> Iterator[Crate]:
        """The crate of a function, and all shared ones that it depends on, however far off."""
        if function not in self.functions:
            return
        yield self.functions[function]
        seen, ahead = set[str](), set(self.functions[function].uses)
        while ahead:
            name = ahead.pop()
            seen.add(name)
            yield self.shared[name]
            ahead |= self.shared[name].uses - seen


def emitted(root: Path) -> Emitted:
    """What the code in a checkout emits."""
    shared = {path.name for path in _crates(root / "shared")}
    return Emitted(*({path.name: _crate(path, shared) for path in _crates(root / folder)} for folder in ("functions", "shared")))


def _crates(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if (path / "Cargo.toml").exists())


def _crate(path: Path, shared: set[str]) -> Crate:
    texts = {source: source.read_text() for source in sorted(path.rglob("src/**/*.rs"))}
    metrics = {name: dimensions for source, text in texts.items() for name, dimensions in _recorded(source, text) if name not in _BY_CALL}
    called = {name for name, call in _BY_CALL.items() if any(call.search(text) for text in texts.values())}
    uses = tomllib.loads((path / "Cargo.toml").read_text()).get("dependencies", {}).keys() & shared
    return Crate(metrics | dict.fromkeys(called, _EVERY), frozenset(uses))


def _recorded(source: Path, text: str) -> Iterator[tuple[str, frozenset[str]]]:
    for name, rest in _RECORDED.findall(text):
        literal = _LITERAL.fullmatch(name.strip())
        if literal is None:
            message = f"{source}: a metric is called {name}, which only a run could tell: name it by a literal"
            raise ValueError(message)
        yield literal[1], _EVERY | frozenset(_LABEL.findall(rest))
