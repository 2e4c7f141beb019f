"""Quality is compared sample by sample: regression, pass or inconclusive, and as often as said."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from made_cases import case as made_case
from sample_cases import answered_case, judged, sampled_case

from pytest_modelbench.judge.by_sample.verdict import judge_exact
from pytest_modelbench.judge.question import Question
from pytest_modelbench.results.metric import failed, measured
from pytest_modelbench.results.run import CaseResult
from pytest_modelbench.suite.tolerance import parse_tolerance

WORDS = [10] * 200
FEW = [1] * 10 + [0] * 190


def transcripts(edits: Any, lengths: Any = WORDS, **fields: Any) -> CaseResult:
    return sampled_case("wer", ("ratio", edits, lengths), **fields)


def others(count: int) -> range:
    """Answers that are none of the usual ones."""
    return range(1000, 1000 + count)


# Words right and wrong


def test_a_rate_that_doubled_on_many_samples_is_a_regression() -> None:
    after = [1] * 20 + [1] * 40 + [0] * 140
    verdict = judged("wer", transcripts(FEW), transcripts(after, outputs=others(200)), 0.005)
    assert verdict.outcome == "regression"
    assert (verdict.baseline_value, verdict.candidate_value) == (0.005, 0.03)
    assert verdict.change == pytest.approx(0.025)
    assert verdict.interval is not None
    low, high = verdict.interval
    # Of 200 differences of 0 or 1 edit among 10 words, 50 of them 1.
    error = np.std([0.1] * 50 + [0.0] * 150) / np.sqrt(200)
    assert low == pytest.approx(0.025 - 1.96 * error, abs=0.001)
    assert high == pytest.approx(0.025 + 1.96 * error, abs=0.001)
    assert verdict.evidence["samples"] == 200
    assert verdict.evidence["differing"] == 50
    assert (verdict.confidence, verdict.is_relative, verdict.method) == (0.95, False, "samples")
    assert verdict.message.startswith("wer 0.005 -> 0.03, +0.025 [+0.0")
    assert "tolerance 0.005: regression (200 samples, 50 scored otherwise, detects" in (
        verdict.message
    )


def test_a_relative_tolerance_is_a_share_of_the_baseline() -> None:
    after = [1] * 30 + [0] * 170
    verdict = judged("wer", transcripts(FEW), transcripts(after, outputs=others(200)), "50%")
    assert verdict.outcome == "regression"
    assert verdict.is_relative
    assert verdict.change == pytest.approx(2.0)
    assert verdict.tolerance == 0.5
    assert verdict.interval is not None
    assert 0.25 < (verdict.interval[0] or 0) < 2 < (verdict.interval[1] or 0)


def test_a_few_other_words_are_within_what_is_allowed_where_there_are_many_samples() -> None:
    after = [1] * 9 + [0] * 190 + [1]
    verdict = judged("wer", transcripts(FEW), transcripts(after, outputs=others(200)), 0.01)
    assert (verdict.outcome, verdict.change) == ("pass", 0)
    assert verdict.evidence["differing"] == 2


def test_the_same_on_few_samples_is_inconclusive_and_says_how_many_would_settle_it() -> None:
    before, after = transcripts([1, 0] * 12, [10] * 24), [1, 0] * 11 + [1, 1]
    verdict = judged("wer", before, transcripts(after, [10] * 24, outputs=others(24)), 0.01)
    assert verdict.outcome == "inconclusive"
    assert verdict.reason is not None
    assert verdict.reason.startswith("about ")
    assert verdict.reason.endswith(" samples instead of 24 would settle it")
    needed = int(verdict.reason.split()[1].replace(",", ""))
    _, high = verdict.interval or (0, 0)
    change = verdict.change or 0
    assert needed == pytest.approx(24 * (((high or 0) - change) / (0.01 - change)) ** 2, rel=0.1)


def test_samples_that_are_all_scored_alike_do_not_make_an_interval_without_width() -> None:
    """3.7 of 24 samples could be another by an edit, in words that these are not."""
    before, after = transcripts([1] * 24, [10] * 24), transcripts([1] * 24, [10] * 24)
    different = transcripts([1] * 24, [10] * 24, outputs=others(24))
    assert judged("wer", before, after, 0.0).outcome == "pass"
    verdict = judged("wer", before, different, 0.01)
    assert (verdict.outcome, verdict.change) == ("inconclusive", 0)
    assert verdict.interval is not None
    assert verdict.interval[1] == pytest.approx(3.7 / 240, rel=0.35)
    needed = int((verdict.reason or "").split()[1])
    assert needed == pytest.approx(24 * (verdict.interval[1] or 0) / 0.01, rel=0.1)
    enough = transcripts([1] * needed, [10] * needed)
    like = transcripts([1] * needed, [10] * needed, outputs=others(needed))
    assert judged("wer", enough, like, 0.01).outcome == "pass"


def test_a_regression_on_one_or_two_samples_is_not_proven() -> None:
    """However much worse they are."""
    for count in (1, 2, 3):
        after = [10] * count + [0] * (24 - count)
        verdict = judged(
            "wer",
            transcripts([0] * 23 + [1], [10] * 24),
            transcripts([*after[:23], 1], [10] * 24, outputs=others(24)),
            0.0,
        )
        assert verdict.outcome == "inconclusive", count


def test_a_regression_is_surely_worse_than_half_of_what_is_allowed() -> None:
    """Of 24 samples 9 have an edit more: surely some are worse, and not surely by enough."""
    before, words = [0] * 20 + [5] * 4, [12] * 24
    after = transcripts([1] * 9 + before[9:], words, outputs=others(24))
    unsure = judged("wer", transcripts(before, words), after, 0.03)
    low = (unsure.interval or [None])[0] or 0
    assert 0 < low < 0.015 < 0.03 < (unsure.change or 0)
    assert unsure.outcome == "inconclusive"
    sure = judged("wer", transcripts(before, words), after, 2 * low - 0.001)
    assert sure.outcome == "regression"


def test_a_change_within_the_tolerance_is_no_regression_however_sure_it_is() -> None:
    before, after = transcripts(FEW), transcripts([1] * 60 + [0] * 140, outputs=others(200))
    verdict = judged("wer", before, after, 0.03)
    assert ((verdict.interval or [0])[0] or 0) > 0.015
    assert (verdict.outcome, verdict.change) == ("inconclusive", pytest.approx(0.025))
    assert judged("wer", before, after, 0.04).outcome == "pass"


def test_among_many_verdicts_and_of_few_samples_an_interval_is_wider() -> None:
    before, after = transcripts(FEW), transcripts([1] * 23 + [0] * 177, outputs=others(200))
    assert judged("wer", before, after, 0.0).outcome == "regression"
    assert judged("wer", before, after, 0.0, verdict_count=200).outcome == "inconclusive"
    few, many = (_width_in_errors(count) for count in (3, 300))
    assert few > 1.5 * many
    assert many == pytest.approx(2 * 1.96, rel=0.1)


def _width_in_errors(count: int) -> float:
    """Of the interval of differences 1, 1 and -2, in standard errors."""
    edits, again = np.tile([0, 1, 2], count // 3), np.tile([1, 2, 0], count // 3)
    words = [3] * count
    before, after = transcripts(edits, words), transcripts(again, words, outputs=others(count))
    low, high = judged("wer", before, after, None).interval or (0, 0)
    return ((high or 0) - (low or 0)) / (np.sqrt(2) / 3 / np.sqrt(count))


def test_of_a_baseline_without_errors_no_share_can_be_taken() -> None:
    flawless = transcripts([0] * 200)
    verdict = judged("wer", flawless, transcripts(FEW, outputs=others(200)), "5%")
    assert verdict.outcome == "regression", "what is surely worse is, by any share of 0"
    assert not verdict.is_relative
    assert verdict.change == 0.005
    assert judged("wer", flawless, transcripts([0] * 200, outputs=others(200)), "5%").outcome == (
        "pass"
    )
    assert judged("wer", flawless, transcripts(FEW, outputs=others(200)), 0.0).outcome == (
        "regression"
    )


def test_a_rate_falls_by_no_more_than_all_of_it() -> None:
    few = [2, 1] + [0] * 18
    before = transcripts(few, [10] * 20)
    after = transcripts([0] * 20, [10] * 20, outputs=others(20))
    share = judged("wer", before, after, "5%")
    assert share.interval is not None
    assert (share.change, share.interval[0]) == (-1.0, -1.0)
    assert "-100.0 % [-100.0, " in share.message
    amount = judged("wer", before, after, 0.01)
    assert amount.interval is not None
    assert (amount.interval[0] or 0) < -0.015, "of other samples the baseline may have more"
    right = judged("exact_match", answers(2, 20), answers(0, 20, outputs=others(20)), "5%")
    assert (right.interval or [0])[0] == -1.0


def test_better_is_a_pass_and_says_so() -> None:
    verdict = judged("wer", transcripts([1] * 200), transcripts(FEW, outputs=others(200)), 0.0)
    assert verdict.outcome == "pass"
    assert ": pass, better (" in verdict.message


def test_what_nobody_asked_is_noted_with_its_interval() -> None:
    after = transcripts([1] * 60 + [0] * 140, outputs=others(200))
    verdict = judged("wer", transcripts(FEW), after, None)
    assert (verdict.outcome, verdict.tolerance) == ("noted", None)
    assert not verdict.is_relative
    assert verdict.interval is not None
    assert ": worse (" in verdict.message


# Right and wrong answers


def answers(right: int, count: int, **fields: Any) -> CaseResult:
    return sampled_case("exact_match", ("right", [1] * right + [0] * (count - right)), **fields)


def test_six_answers_newly_wrong_and_none_newly_right_are_a_regression() -> None:
    verdict = judged("exact_match", answers(20, 24), answers(14, 24, outputs=others(24)), 0.0)
    assert verdict.outcome == "regression"
    assert verdict.change == -0.25
    assert verdict.evidence["newly_wrong"] == 6
    assert verdict.evidence["p_value"] == 0.03125
    assert "6 newly wrong, 0 newly right, p = 0.031" in verdict.message


@pytest.mark.parametrize("before", [40, 50, 70])
def test_a_change_that_is_just_what_is_allowed_is_never_a_regression(before: int) -> None:
    """Whichever way 0.3 - 0.4 and 0.4 - 0.5 are rounded."""
    worse = answers(before - 10, 100, outputs=others(100))
    verdict = judged("exact_match", answers(before, 100), worse, 0.1)
    assert verdict.outcome == "inconclusive"
    assert "just what is allowed" in str(verdict.reason)


def test_five_are_not_by_mcnemar_s_test() -> None:
    """p = 1/16, although Tango's interval is below 0."""
    verdict = judged("exact_match", answers(20, 24), answers(15, 24, outputs=others(24)), 0.0)
    assert verdict.interval is not None
    assert (verdict.interval[1] or 0) < 0
    assert verdict.outcome == "inconclusive"
    assert verdict.reason == "the change may be chance: p = 0.062, above 0.05"


def test_among_many_verdicts_six_are_not_enough_either() -> None:
    before, after = answers(20, 24), answers(14, 24, outputs=others(24))
    unsure = judged("exact_match", before, after, 0.0, verdict_count=2)
    assert unsure.outcome == "inconclusive"
    assert unsure.reason == ("the change may be chance: p = 0.031, above 0.025 (0.05 / 2 verdicts)")
    worse = answers(8, 24, outputs=others(24))
    assert judged("exact_match", before, worse, 0.0, verdict_count=20).outcome == "regression"


def test_equally_right_answers_pass_only_where_there_are_enough_of_them() -> None:
    few = judged("exact_match", answers(20, 24), answers(20, 24, outputs=others(24)), 0.01)
    assert few.outcome == "inconclusive"
    assert few.interval == pytest.approx([-0.138, 0.138], abs=0.001)
    many = judged("exact_match", answers(400, 500), answers(400, 500, outputs=others(500)), 0.01)
    assert many.outcome == "pass"


def test_nothing_worse_is_allowed_by_a_tolerance_of_0_and_equal_scores_do_not_prove_it() -> None:
    verdict = judged("exact_match", answers(20, 24), answers(20, 24, outputs=others(24)), 0.0)
    assert verdict.outcome == "inconclusive"
    assert verdict.reason == (
        "nothing worse is allowed: only equal answers, or surely better ones, pass"
    )


@pytest.mark.parametrize(("verdict_count", "outcome"), [(1, "regression"), (14, "inconclusive")])
def test_the_interval_that_is_shown_is_the_one_that_was_judged(
    verdict_count: int, outcome: str
) -> None:
    """The end that a regression has to show is as sure as so many verdicts need it to be."""
    before, after = answers(40, 40), answers(32, 40, outputs=others(40))
    verdict = judged("exact_match", before, after, 0.1, verdict_count=verdict_count)
    low, high = verdict.interval or (None, None)
    assert low is not None
    assert high is not None
    assert verdict.outcome == outcome
    assert (high < -0.05) == (outcome == "regression")
    assert low == pytest.approx(-0.348, abs=1e-3), "a pass is told by 95 % however many there are"
    assert verdict.confidence == pytest.approx(1 - 0.025 - 0.025 / verdict_count)
    assert f"-0.2 [-0.348, {high:+.3g}], tolerance 0.1: {outcome}" in verdict.message
    noted = judged("exact_match", before, after, None, verdict_count=verdict_count)
    assert (noted.interval, noted.confidence) == (pytest.approx([-0.348, -0.0949], abs=1e-3), 0.95)


# Correlations


def similarities(
    metric: str, noise: float, count: int = 400, seed: int = 0, **fields: Any
) -> CaseResult:
    """Scores that follow references 0 to 5 with so much noise, the same but for `seed`."""
    references = np.random.default_rng(99).integers(0, 6, count).astype(float)
    own = np.random.default_rng(98).normal(0, 0.5, count)
    scores = references + own + noise * np.random.default_rng(seed).normal(size=count)
    fields.setdefault("outputs", range(1 + 10_000 * seed, 1 + 10_000 * seed + count))
    return sampled_case(metric, ("pairs", scores, references), **fields)


@pytest.mark.parametrize("metric", ["spearman", "pearson"])
def test_scores_that_follow_worse_are_a_regression_and_a_little_noise_passes(metric: str) -> None:
    before = similarities(metric, 0.0)
    worse = judged(metric, before, similarities(metric, 1.5, seed=1), "5%")
    assert worse.outcome == "regression"
    assert worse.change is not None
    assert worse.change < -0.1
    little = judged(metric, before, similarities(metric, 0.05, seed=1), 0.01)
    assert little.outcome == "pass"
    assert little.interval is not None
    assert (little.interval[1] or 0) - (little.interval[0] or 0) < 0.005


def test_a_correlation_of_another_name_is_the_one_that_gives_its_value() -> None:
    before, after = similarities("spearman", 0.0), similarities("spearman", 1.5, seed=1)

    def renamed(case: CaseResult, metric: str) -> CaseResult:
        assert case.samples is not None
        terms = case.samples.terms["spearman"]
        samples = case.samples.model_copy(update={"terms": {metric: terms}})
        metrics = {metric: case.metrics["spearman"]}
        return case.model_copy(update={"samples": samples, "metrics": metrics})

    own = judged("agreement", renamed(before, "agreement"), renamed(after, "agreement"), None)
    expected = judged("spearman", before, after, None)
    assert own.interval == expected.interval
    assert own.evidence["method"].startswith("paired bootstrap")


def test_a_sample_without_a_score_on_one_side_is_left_out_on_both_and_said() -> None:
    references = list(range(40))
    before = sampled_case("spearman", ("pairs", references, references))
    scores = [float("nan"), *range(1, 40)]
    after = sampled_case("spearman", ("pairs", scores, references), outputs=[0, *range(2, 41)])
    verdict = judged("spearman", before, after, 0.01)
    assert verdict.reason == "1 samples that a side did not answer are left out"
    assert (verdict.outcome, verdict.change) == ("pass", 0)
    assert "all 39 answers scored alike" in verdict.message


@pytest.mark.parametrize("count", [2, 3, 5, 9])
def test_correlations_of_few_samples_are_not_compared(count: int) -> None:
    """Of two every correlation is 1 or -1: equal ones and opposite ones say as little."""
    before = sampled_case("spearman", ("pairs", range(count), range(count)))
    for scores in (range(0, 3 * count, 3), range(count, 0, -1)):
        after = sampled_case("spearman", ("pairs", scores, range(count)), outputs=others(count))
        verdict = judged("spearman", before, after, 0.05)
        assert verdict.outcome == "inconclusive"
        assert verdict.reason == (
            f"{count} samples are too few to compare correlations: 10 or more would do"
        )
        assert judged("spearman", before, after, None).outcome == "noted"
    alike = sampled_case("spearman", ("pairs", range(count), range(count)), outputs=others(count))
    assert judged("spearman", before, alike, 0.05).outcome == "pass"


# Which samples


def test_equal_answers_to_all_samples_pass_outright_in_any_order() -> None:
    before = transcripts([1, 2, 0], [4, 5, 6], ids=[1, 2, 3], outputs=[7, 8, 9])
    after = transcripts([0, 1, 2], [6, 4, 5], ids=[3, 1, 2], outputs=[9, 7, 8])
    verdict = judged("wer", before, after, "0%")
    assert (verdict.outcome, verdict.change, verdict.interval) == ("pass", 0, None)
    assert verdict.message == "wer 0.2 -> 0.2, +0.0 %, tolerance 0 %: pass (all 3 answers equal)"


def test_a_failed_sample_is_no_equal_answer() -> None:
    before = transcripts([1, 2, 5], [4, 5, 5], outputs=[7, 8, 0])
    verdict = judged("wer", before, before, 0.1)
    assert "answers equal" not in verdict.message
    assert verdict.evidence["differing"] == 0


def test_equal_answers_to_some_samples_or_of_another_score_are_not_equal_sides() -> None:
    before = transcripts([1, 2, 0], [4, 5, 6])
    fewer = judged("wer", before, transcripts([1, 2], [4, 5]), 1.0)
    assert "answers equal" not in fewer.message
    assert "1 of the baseline's samples" in str(fewer.reason)
    otherwise = judged("wer", before, transcripts([2, 2, 0], [4, 5, 6]), 1.0)
    assert "answers equal" not in otherwise.message
    assert otherwise.evidence["differing"] == 1


def test_only_samples_of_both_sides_are_compared_and_the_others_are_counted() -> None:
    """The candidate was asked easier ones: over those of both it is no better."""
    before = transcripts([1] * 50 + [5] * 50, [10] * 100)
    after = transcripts([1] * 50, [10] * 50, outputs=others(50))
    verdict = judged("wer", before, after, 0.05)
    assert (verdict.baseline_value, verdict.candidate_value) == (0.1, 0.1)
    assert verdict.evidence["samples"] == 50
    assert "50 of the baseline's samples and 0 of the candidate's were not asked" in str(
        verdict.reason
    )


@pytest.mark.parametrize("shared", [0, 1])
def test_fewer_than_two_common_samples_say_nothing(shared: int) -> None:
    before = transcripts([1, 2], [4, 5], ids=[1, 2])
    after = transcripts([1, 2], [4, 5], ids=[shared, 8])
    verdict = judged("wer", before, after, 0.1)
    assert verdict.outcome == "inconclusive"
    assert verdict.reason == f"{shared} samples were asked of both sides"


def test_reordered_samples_give_the_verdict_of_ordered_ones() -> None:
    draw = np.random.default_rng(5)
    edits, new_edits = draw.poisson(1, 80), draw.poisson(1.4, 80)
    order = draw.permutation(80)
    before, lengths = transcripts(edits, [10] * 80), np.full(80, 10)
    ordered = transcripts(new_edits, lengths, outputs=others(80))
    shuffled = transcripts(
        new_edits[order], lengths, ids=(order + 1).tolist(), outputs=(1000 + order).tolist()
    )
    assert judged("wer", before, shuffled, 0.01) == judged("wer", before, ordered, 0.01)


# Without terms


def figure(value: float, low: float | None, high: float | None) -> CaseResult:
    interval = [low, high]
    return made_case("c", {"own": measured(value, samples=50, interval=interval, confidence=0.95)})


def test_a_metric_without_terms_is_compared_by_its_own_intervals() -> None:
    apart = judged("own", figure(0.5, 0.45, 0.55), figure(0.7, 0.65, 0.75), 0.05)
    assert apart.outcome == "regression"
    assert apart.interval == pytest.approx([0.2 - 0.05 * 2**0.5, 0.2 + 0.05 * 2**0.5])
    assert "not paired by sample" in apart.message
    near = judged("own", figure(0.5, 0.4, 0.6), figure(0.52, 0.4, 0.6), 0.05)
    assert near.outcome == "inconclusive"


def test_without_an_interval_only_equal_answers_pass() -> None:
    before = answered_case([1, 2], [5, 6], metrics={"own": 0.5})
    assert judged("own", before, before, 0.0).outcome == "pass"
    after = answered_case([1, 2], [5, 7], metrics={"own": 0.5})
    verdict = judged("own", before, after, 0.1)
    assert verdict.outcome == "inconclusive"
    assert "it has neither an interval nor terms by sample" in str(verdict.reason)
    unknown = figure(0.5, None, 0.6)
    assert judged("own", unknown, unknown, 0.1).outcome == "inconclusive"


def test_terms_that_do_not_give_the_figure_are_not_trusted() -> None:
    """Of a metric that is an average of rates, say."""
    terms = ("ratio", [1, 2, 3], [4, 4, 4])

    def of_own(value: float, outputs: Any = None) -> CaseResult:
        return sampled_case("own", terms, value=value, outputs=outputs)

    fair = judged("own", of_own(0.5), of_own(0.5, [7, 8, 9]), 1.0)
    assert fair.evidence["samples"] == 3
    odd = judged("own", of_own(0.9), of_own(0.9, [7, 8, 9]), 1.0)
    assert "nothing says how far own would differ" in str(odd.reason)


def test_terms_of_another_number_than_there_are_samples_are_not_used() -> None:
    """As a run file that somebody changed may have them."""
    case = sampled_case("own", ("ratio", [1, 2, 3], [4, 4, 4]), value=0.5)
    shorter = answered_case([1, 2], [7, 8]).samples
    assert case.samples is not None
    assert shorter is not None
    changed = case.samples.model_copy(update={"ids": shorter.ids})
    verdict = judged("own", case, case.model_copy(update={"samples": changed}), 0.1)
    assert verdict.outcome == "inconclusive"
    assert "nothing says how far own would differ" in str(verdict.reason)


def test_a_side_without_the_figure_is_named_with_the_reason() -> None:
    fine = transcripts(FEW)
    broken = made_case("c", {"wer": failed("jiwer broke")})
    verdict = judged("wer", fine, broken, 0.1)
    assert (verdict.outcome, verdict.candidate_value) == ("inconclusive", None)
    assert verdict.reason == "candidate has no wer: jiwer broke"
    assert verdict.message == "wer 0.005 -> ?: inconclusive: candidate has no wer: jiwer broke"
    assert judged("cer", fine, fine, None).outcome == "noted"
    assert judged("cer", fine, fine, 0.1).reason == "baseline has no metric 'cer'"


# What is counted


@pytest.mark.parametrize(
    ("metric", "better", "values", "tolerance", "outcome", "change"),
    [
        ("file_size_mb", "lower", (10, 10.4), "5%", "pass", 0.04),
        ("file_size_mb", "lower", (10, 11), "5%", "regression", 0.1),
        ("file_size_mb", "lower", (10, 5), "0%", "pass", -0.5),
        ("file_size_mb", "lower", (10, 11), 1.0, "pass", 1.0),
        ("file_size_mb", "lower", (10, 11), None, "noted", 1.0),
        ("success_count", "higher", (10, 9), 0.0, "regression", -1),
        ("failure_count", "lower", (0, 1), "5%", "regression", 1),
        ("failure_count", "lower", (0, 0), "5%", "pass", 0),
        # 0.1 and 29 more in what floats make of them
        ("file_size_mb", "lower", (2.0, 2.1), "5%", "pass", 0.05),
        ("success_count", "higher", (100, 71), "29%", "pass", -0.29),
    ],
)
def test_what_is_counted_needs_no_interval(
    metric: str,
    better: Any,
    values: tuple[float, float],
    tolerance: Any,
    outcome: str,
    change: float,
) -> None:
    allowed = None if tolerance is None else parse_tolerance(tolerance)
    before, after = (made_case("c", {metric: value}) for value in values)
    verdict = judge_exact(Question(metric, better, allowed), ("a", "b"), before, after)
    assert (verdict.outcome, verdict.method) == (outcome, "exact")
    assert verdict.change == pytest.approx(change)
    assert verdict.interval is None


def test_what_is_counted_and_was_not_says_why() -> None:
    one, other = made_case("c", {"file_size_mb": 5}), made_case("c", {"file_size_mb": failed("?!")})
    question = Question("file_size_mb", "lower", parse_tolerance("5%"))
    verdict = judge_exact(question, ("a", "b"), one, other)
    assert (verdict.outcome, verdict.reason) == ("inconclusive", "b has no file_size_mb: ?!")


# How often it is wrong


def _transcribed(draw: np.random.Generator, count: int, more: float) -> tuple[Any, Any, Any]:
    """Two sides that err alike on most samples, with hard and easy ones."""
    lengths = draw.integers(5, 25, count)
    share = 0.16 * draw.gamma(0.5, 1, count)
    edits = draw.poisson(share * lengths)
    again = draw.poisson((share + more) * lengths)
    return edits, np.where(draw.random(count) < 0.4, again, edits), lengths


@pytest.mark.slow
@pytest.mark.parametrize("count", [24, 100, 400])
def test_word_error_rates_of_equal_sides_are_seldom_called_worse(count: int) -> None:
    """At most 2.5 % where nothing is allowed, and hardly ever beyond a tolerance. 200 trials."""
    draw = np.random.default_rng(count)
    found: Counter[str] = Counter()
    for _ in range(200):
        edits, again, lengths = _transcribed(draw, count, 0.0)
        before, after = (
            transcripts(edits, lengths),
            transcripts(again, lengths, outputs=others(count)),
        )
        found[f"0 {judged('wer', before, after, 0.0).outcome}"] += 1
        found[f"10 {judged('wer', before, after, '10%').outcome}"] += 1
    assert found["0 regression"] <= 10
    assert found["10 regression"] <= 6
    assert found["0 pass"] <= 10  # proven to be better


@pytest.mark.slow
def test_a_change_of_what_is_said_to_be_detectable_is_found_in_8_of_10() -> None:
    """Of two sides with many words, whose spread is alike in all trials."""
    draw = np.random.default_rng(7)
    outcomes, detectable = [], []
    for _ in range(200):
        lengths = draw.integers(10, 20, 150)
        edits = draw.poisson(0.1 * lengths)
        again = draw.poisson((0.1 + 0.0345) * lengths)
        verdict = judged(
            "wer",
            transcripts(edits, lengths),
            transcripts(again, lengths, outputs=others(150)),
            0.01,
        )
        outcomes.append(verdict.outcome)
        detectable.append(verdict.smallest_detectable)
    assert np.median(detectable) == pytest.approx(0.0345, rel=0.05)
    assert outcomes.count("regression") == pytest.approx(160, abs=16)


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["spearman", "pearson"])
def test_correlations_of_equal_sides_are_seldom_called_worse_and_intervals_cover(
    metric: str,
) -> None:
    draw = np.random.default_rng(11)
    worse = covered = 0
    for _ in range(200):
        truth = draw.normal(size=60)
        references = np.round(2 * truth)
        sides = [truth + 0.4 * draw.normal(size=60) for _ in range(2)]
        before, after = (
            sampled_case(metric, ("pairs", scores, references), outputs=others(60) if at else None)
            for at, scores in enumerate(sides)
        )
        verdict = judged(metric, before, after, 0.0)
        low, high = verdict.interval or (0, 0)
        worse += verdict.outcome == "regression"
        covered += (low or 0) <= 0 <= (high or 0)
    assert worse <= 10
    assert covered >= 182


@pytest.mark.slow
def test_right_answers_of_equal_sides_are_seldom_called_worse() -> None:
    draw = np.random.default_rng(13)
    worse = 0
    for _ in range(400):
        right, other = draw.random((2, 150)) < 0.8
        kept = draw.random(150) < 0.6
        before = sampled_case("exact_match", ("right", right))
        after = sampled_case(
            "exact_match", ("right", np.where(kept, right, other)), outputs=others(150)
        )
        worse += judged("exact_match", before, after, 0.0).outcome == "regression"
    assert worse <= 12
