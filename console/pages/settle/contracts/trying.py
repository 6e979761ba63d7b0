"""试算: what past quarters would have come to under a changed contract, with the progress of the computation."""

from __future__ import annotations

from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from console.pages.settle.contracts.frame import ContractQuery, at, chosen, given, versions_here
from console.pages.settle.contracts.shown import TRIERS
from console.settling.jobs import read_contract
from console.settling.page import KINDS
from console.settling.phases import PhaseWords, phase_words
from console.settling.trials import trials_of
from console.settling.written import contract_text
from console.web.faults import MissingError
from console.web.forms import Entered
from console.web.routes import Routes
from console.web.visit import Visit
from monitor.finding import InputError

routes = Routes()


class TrialForm(BaseModel):
    """A changed contract to be tried on past quarters."""

    model_config = ConfigDict(extra="ignore")

    text: Annotated[str, Field(max_length=262_144)] = ""


@routes.page("/contracts/{name}/what-if", allow=TRIERS, section="contracts")
async def what_if_page(visit: Visit) -> Any:
    """The form: the version in force, to be changed."""
    found = await versions_here(visit)
    version = chosen(visit, found, visit.query(ContractQuery).version)
    return _trial_page(visit, version.contract, contract_text(version.terms))


def _trial_page(
    visit: Visit,
    name: str,
    text: str,
    entered: Entered[TrialForm] | None = None,
    findings: tuple[Any, ...] = (),
    trial: Any = None,
    words: PhaseWords | None = None,
) -> web.Response:
    return visit.render(
        "settle/contract_trial.html",
        status=422 if findings or entered is not None else 200,
        name=name,
        base=at(name),
        text=text,
        entered=entered,
        findings=findings,
        trial=trial,
        kinds=KINDS,
        words=words,
    )


@routes.form("/contracts/{name}/what-if", allow=TRIERS, section="contracts")
async def what_if(visit: Visit) -> Any:
    """Begin a trial, and go to where its progress is seen."""
    found = await versions_here(visit)
    name = found[-1].contract
    entered = await visit.enter(TrialForm)
    file, text = given(entered)
    if entered.model is None or not text:
        return _trial_page(visit, name, text, entered.wrong("text", visit.say("请填写或上传合同文件")))
    told = await visit.compute(read_contract, file, text)
    if told.result is None:
        return _trial_page(visit, name, text, None, told.findings)
    try:
        trial = await trials_of(visit).start(visit, name, text, told.result)
    except InputError as error:
        return _trial_page(visit, name, text, None, error.findings)
    return visit.see(at(name, "what-if", trial.key))


@routes.page("/contracts/{name}/what-if/{key:[0-9a-f]{16}}", allow=TRIERS, section="contracts")
async def trial_page(visit: Visit) -> Any:
    """How far a trial is, and what it came to."""
    name = visit.contract(visit.path("name"))
    trial = trials_of(visit).find(visit.path("key"), visit.person.name, name)
    if trial is None:
        raise MissingError
    words = await visit.read(phase_words, [name])
    return _trial_page(visit, name, trial.text, None, (), trial, words)
