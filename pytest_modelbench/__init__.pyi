from pytest_modelbench.api import run_benchmark as run_benchmark
from pytest_modelbench.datasets.samples import Audio as Audio
from pytest_modelbench.datasets.samples import Sample as Sample
from pytest_modelbench.errors import ModelbenchError as ModelbenchError
from pytest_modelbench.errors import Unavailable as Unavailable
from pytest_modelbench.registry import Candidate as Candidate
from pytest_modelbench.results.candidate import BenchmarkCandidate as BenchmarkCandidate
from pytest_modelbench.results.metric import (
    Metric as Metric,
)
from pytest_modelbench.results.metric import (
    MetricStatus as MetricStatus,
)
from pytest_modelbench.results.metric import (
    failed as failed,
)
from pytest_modelbench.results.metric import (
    measured as measured,
)
from pytest_modelbench.results.metric import (
    skipped as skipped,
)
from pytest_modelbench.results.run import (
    BenchmarkRun as BenchmarkRun,
)
from pytest_modelbench.results.run import (
    CaseResult as CaseResult,
)
from pytest_modelbench.runners.contract import (
    Foreseen as Foreseen,
)
from pytest_modelbench.runners.contract import (
    Prediction as Prediction,
)
from pytest_modelbench.runners.contract import (
    Requirement as Requirement,
)
from pytest_modelbench.runners.contract import (
    Runner as Runner,
)
from pytest_modelbench.runners.contract import (
    Session as Session,
)
