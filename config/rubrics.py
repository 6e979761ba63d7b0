"""Rubrics and their inputs as files: one YAML file each, read strictly. Those that ship lie in rubrics/ and rubrics/inputs/."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel

from config.load import Lines, dotted, load_model, load_yaml
from monitor.finding import Finding, InputError, refuse
from settlement.scorecard.claim_checks import Flaw
from settlement.scorecard.inputs import ScoreInputs
from settlement.scorecard.rubric import Rubric
from settlement.scorecard.rubric_lint import rubric_flaws

SHIPPED = Path(__file__).parent / "rubrics"
INPUTS = SHIPPED / "inputs"
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Read(Generic[Model]):
    """A file's value, and where each of its parts stands."""

    value: Model
    file: str
    lines: Lines


def shipped() -> list[str]:
    """The names of the rubrics that ship with the product."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def with_inputs() -> list[str]:
    """The names of the shipped rubrics whose inputs ship too: those of which a report printed the figures."""
    return sorted(path.stem for path in INPUTS.glob("*.yaml"))


def load_rubric(path: Path) -> Read[Rubric]:
    """Read a rubric, a file or the bare name of one that ships. InputError with every finding, with file and line.

    Only what the data model forbids is refused here; what does not add up is for `findings` of the lint, or `usable`.
    """
    return _load(_found(path, SHIPPED), Rubric)


def load_inputs(path: Path) -> Read[ScoreInputs]:
    """Read a file of inputs, or the shipped one of that bare name. InputError as from `load_rubric`."""
    if not path.exists() and path.name in shipped() and path.parent == Path() and path.name not in with_inputs():
        raise refuse(
            f"评分表 {path.name} 没有随附数据 that rubric ships without inputs",
            f"camsla score form {path.name} > FILE，填写后 --inputs FILE；有随附数据的 with inputs: {', '.join(with_inputs())}",
            column="--inputs",
        )
    return _load(_found(path, INPUTS), ScoreInputs)


def usable(read: Read[Rubric]) -> Rubric:
    """Return the rubric if it may be scored with: one of one's own must be free of errors. InputError with all of them.

    A rubric that is reproduced `as_printed` may have the errors of its report.
    """
    if not read.value.as_printed:
        wrong = [flaw for flaw in rubric_flaws(read.value) if flaw.level == "error"]
        if wrong:
            raise InputError(findings(wrong, read, None))
    return read.value


def findings(flaws: Iterable[Flaw], rubric: Read[Rubric], inputs: Read[ScoreInputs] | None) -> list[Finding]:
    """Give each flaw its file and line."""
    result = []
    for flaw in flaws:
        side: Read[Rubric] | Read[ScoreInputs] | None = rubric if flaw.side == "rubric" else inputs
        file, line = (side.file, side.lines.at(flaw.place)) if side is not None else ("", 0)
        result.append(Finding(file, line, dotted(flaw.place), flaw.message, flaw.remedy, flaw.level))
    return result


def _found(path: Path, folder: Path) -> Path:
    if not path.exists() and path.parent == Path() and (folder / f"{path.name}.yaml").is_file():
        return folder / f"{path.name}.yaml"
    return path


def _load(path: Path, model: type[Model]) -> Read[Model]:
    value = load_model(path, model)
    _, lines = load_yaml(path)
    return Read(value, str(path), lines)
