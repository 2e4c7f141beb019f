"""A case's answers as an earlier session left them, as this one leaves them, and how far it is."""

from __future__ import annotations

from collections import Counter

from pytest_modelbench.case import Case
from pytest_modelbench.measure.tick import Ticker
from pytest_modelbench.results.run import TakenOver
from pytest_modelbench.runners.contract import Prediction
from pytest_modelbench.runs.answers import Answered, AnswersFile, earlier_answers
from pytest_modelbench.runs.live import LiveFile


class KeptAnswers:
    """What a case takes over from an earlier session, and what it leaves for a later one."""

    def __init__(self, case: Case, facts: dict[str, str], live: LiveFile) -> None:
        """`facts` is what must be the same for an answer to be used again."""
        self.live = live
        self._taken_over: Counter[str] = Counter()
        """Samples whose answers are an earlier session's, by its run id."""
        self._earlier = [
            (run_id, earlier_answers(file, facts)) for run_id, file in case.trail.earlier_answers
        ]
        self._file = AnswersFile(case.trail.answers, case.id, facts)
        self._new: list[Answered] = []
        self.batch_size = 1
        self.total: int | None = None
        """Samples of the dataset, once all were read."""
        self._answered = 0

    @property
    def are_kept(self) -> bool:
        """Whether it is of use to stop now and then to keep them."""
        return self._file.is_kept

    def answer_of(self, sample: int) -> Answered | None:
        """The answer of an earlier session, once for each time that it was given."""
        for at, (run_id, answers) in enumerate(self._earlier):
            if known := answers.get(sample):
                for _, older in self._earlier[at + 1 :]:  # which this one has taken over, too
                    older.get(sample, [None])[:1] = []
                self._taken_over[run_id] += 1
                self._answered += 1
                one = known.pop(0)
                self._new.append(one)  # for a session that resumes this one
                return one
        return None

    def keep(self, sample: int, prediction: Prediction) -> None:
        """An answer, which `write` will write."""
        self._answered += 1
        if self._file.is_kept:
            self._new.append(Answered(sample, prediction.value, prediction.tokens))

    def write(self) -> None:
        """Put on the disk what was answered since."""
        new, self._new = self._new, []
        self._file.add(new)
        self.live.count(self._answered, self.total)

    @property
    def tick(self) -> Ticker:
        """What the loop of calls tells how far it is."""
        return Ticker(self._tell)

    def _tell(self, called: int) -> None:
        done = self._answered + called * self.batch_size
        self.live.count(done if self.total is None else min(done, self.total), self.total)

    def record(self) -> list[TakenOver]:
        """As it stands in the result."""
        return [
            TakenOver(run_id=run_id, what="samples", samples=count)
            for run_id, count in self._taken_over.items()
        ]

    def close(self) -> None:
        self._file.close()
