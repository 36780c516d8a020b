"""Which metrics the code emits: the names in `counter!(…)` and `histogram!(…)`."""

import re
from dataclasses import dataclass
from pathlib import Path

_RECORDED = re.compile(r"\b(?:counter|gauge|histogram)!\(\s*([^,)]*)")
_LITERAL = re.compile(r'"(\w+)"')

OF_REQUESTS = frozenset({"Requests", "Latency", "ServerErrors"})
"""What every function emits that answers HTTP requests (shared/api)."""
OF_ANY = frozenset({"ErrorLines"})
"""What every function emits (shared/telemetry)."""


@dataclass(frozen=True)
class Emitted:
    """The metrics of each function, by the name of its crate, and those of shared crates, which any function may emit that uses them."""

    by_function: dict[str, frozenset[str]]
    shared: frozenset[str]

    @property
    def names(self) -> frozenset[str]:
        """All of them."""
        return self.shared.union(*self.by_function.values())

    def by(self, function: str) -> frozenset[str]:
        """Those that a function may emit."""
        return self.by_function.get(function, frozenset()) | self.shared


def emitted(root: Path) -> Emitted:
    """What the code in a checkout emits."""
    functions = {crate.name: _of(crate) for crate in sorted((root / "functions").iterdir()) if crate.is_dir()}
    shared = frozenset[str]().union(*(_of(crate) for crate in sorted((root / "shared").iterdir()) if crate.is_dir()))
    return Emitted({name: metrics for name, metrics in functions.items() if metrics}, shared)


def _of(crate: Path) -> frozenset[str]:
    found = set()
    for path in sorted(crate.rglob("src/**/*.rs")):
        for name in _RECORDED.findall(path.read_text()):
            literal = _LITERAL.fullmatch(name.strip())
            if literal is None:
                message = f"{path}: a metric is called {name}, which only a run could tell: name it by a literal"
                raise ValueError(message)
            found.add(literal[1])
    return frozenset(found)
