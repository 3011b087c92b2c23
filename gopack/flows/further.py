"""What surveys beyond those of the lines themselves work with: lines together, and upgrades."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gopack.flows.importing import Importer
from gopack.flows.planning import Planner
from gopack.flows.providing import Provider
from gopack.plan.manifest import SurveyFacts


@dataclass(slots=True)
class FurtherSurveys:
    """What was read is in `surveys` afterwards; `known` is what was read in an earlier run."""

    planner: Planner
    importer: Importer
    provider: Provider
    known: Mapping[str, SurveyFacts]
    surveys: dict[str, SurveyFacts] = field(default_factory=dict)
