"""Steps of a statement's life as forms: each decided again under the product's lock when it is taken."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from console.pages.settle.statement.shown import answered, statement_of
from console.settling.actions import WHO
from console.settling.taking import Asked, take_word
from console.web.access import FINANCE, Role
from console.web.faults import ConflictError
from console.web.routes import Routes
from console.web.visit import Visit
from monitor.finding import InputError

routes = Routes()
Word = Literal["reconcile", "confirm", "silence", "check", "review", "approve", "return", "issue", "request-payment"]


class StepForm(BaseModel):
    """A step, why, and what the person saw of the statement when they decided."""

    model_config = ConfigDict(extra="ignore")

    word: Word
    reason: Annotated[str, Field(max_length=2_000)] = ""
    seen_revision: Annotated[int, Field(ge=0)]
    seen_steps: Annotated[int, Field(ge=0)]


@routes.form("/settlement/{contract}/{quarter}/steps", allow=FINANCE | {Role.SUPPLIER}, section="settlement")
async def step(visit: Visit) -> Any:
    """Take a step. Somebody who was faster is named (409); what speaks against it stands beside the button (422)."""
    found = await statement_of(visit)
    entered = await visit.enter(StepForm)
    form = entered.model
    if form is not None:
        visit.require(WHO[form.word])
        paper = entered.files.get("paper")
        asked = Asked(
            visit.path("contract"),
            visit.path("quarter"),
            form.word,
            visit.person.name,
            visit.at,
            visit.today,
            form.reason,
            (form.seen_revision, form.seen_steps),
            None if paper is None else (paper.body, paper.name),
        )
        try:
            state = await visit.write(take_word, asked)
        except ConflictError:
            raise
        except InputError as error:
            entered = entered.refused(error)
        else:
            return visit.see(found.base, visit.say("已办理，结算单现为：{state}").format(state=visit.say(state)))
    return answered(visit, found, 422, entered=entered)
