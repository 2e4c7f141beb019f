"""What fields mean whose names say it to a reader of the code, but not to one of the reference.

A text under the field in the code comes first; a line here that is never needed is an error.
"""

SAME_AS = {
    "BenchmarkCandidate": "RegistryEntry",
    "CriterionRecord": "Criterion",
    "CriterionScore": "Criterion",
    "ModelSelector": "RegistryEntry",
}
"""Objects whose fields are those of another one."""

_OF_OBJECTS: dict[str, dict[str, str]] = {
    "Suite": {
        "description": "For people.",
        "dataset": "The data of every benchmark; needed unless each has its own.",
        "devices": "Devices of every benchmark that names none, or every one present; without "
        "them `CPU`.",
        "matrix": "Parameters to vary in every benchmark: name to the values it takes.",
        "measure": "When to stop timing.",
        "criteria": "What counts, and where the gate is.",
        "benchmarks": "What is measured.",
    },
    "Slo": {
        f"{statistic}_{kind}_ms": f"The most that {words} may be, in ms."
        for kind, name in (
            ("ttft", "the time to the first token"),
            ("tpot", "the time per output token"),
            ("itl", "the gap between two chunks with tokens"),
            ("latency", "the latency from the intended send time"),
        )
        for statistic, words in (
            ("mean", f"the mean of {name}"),
            *((f"p{percent}", f"the {percent}th percentile of {name}") for percent in (50, 95, 99)),
        )
        if (kind, statistic) not in (("itl", "mean"), ("itl", "p50"))
    },
    "Benchmark": {
        "description": "For people.",
        "runner": "A [runner](runners.md): `modelbench runners` lists them.",
        "device": "One device; give this or `devices`.",
        "params": "Parameters of the runner, which checks them.",
        "measure": "Overrides the suite's, key by key.",
        "marks": "pytest marks, in addition to the suite's.",
        "env": "Environment variables that must be set, in addition to the suite's.",
    },
    "ModelSelector": {"model_type": "Derived from `quantization` and `distilled_from`."},
    "Compare": {"revisions": "How the worktree of a revision is made ready."},
    "Criterion": {
        "goal": "Which way is better.",
        "weight": "Its share in the score.",
    },
    "Side": {"device": "A device, instead of the benchmark's."},
    "OutputTolerance": {
        "absolute": "How far a number may be from the baseline's.",
        "relative": "And further, by this share of the baseline's.",
    },
    "RegistryEntry": {
        "base_model": "The model it was made from.",
        "distilled_from": "Its teacher.",
        "quantization": "How its weights are stored, such as `int8`.",
        "active": "For selectors.",
        "last_good": "For selectors.",
        "commit_hash": "The code it came from.",
    },
    "BenchmarkRun": {
        "schema_version": "Of this format.",
        "metadata": "When, from which code, by which command.",
        "system_info": "The machine.",
        "suites": "Each suite with its criteria and leaderboard.",
        "candidates": "Each model with the six standard metrics.",
        "cases": "Each case with everything measured on it, in the suites' order.",
    },
    "RunMetadata": {
        "timestamp": "When the session began: ISO 8601, UTC.",
        "git_sha": "The commit of the rootdir; null outside a repository.",
        "git_branch": "The branch; null where a commit is checked out, outside a CI that names it.",
        "git_dirty": "Whether there were uncommitted changes.",
        "command_line": "The command, secrets replaced by `***`.",
        "dry_run": "Whether cases were only listed.",
        "modelbench_version": "The version of this package.",
    },
    "SystemInfo": {
        "hostname": "The machine's name.",
        "platform": "The operating system.",
        "platform_version": "Its version.",
        "python_version": "Python's version.",
        "cpu_info": "The processor's name.",
        "cpu_count": "Logical processors.",
        "cpu_governor": "How the kernel chooses the frequency.",
        "total_ram_gb": "Memory, in 10^9 bytes.",
        "gpu_info": "The first NVIDIA GPU, by NVML; null without one.",
        "cuda_version": "The version of CUDA that its driver supports.",
    },
    "SuiteRecord": {
        "id": "The suite's id.",
        "file": "The suite's file.",
        "description": "As the suite gives it.",
        "criteria": "As the suite gives them.",
        "leaderboard": "Cases that have a score, best first.",
    },
    "BenchmarkCandidate": {
        "version": "The registry's version, the hub id, or the last part of the path.",
        "model_type": "Derived from `quantization` and `distilled_from`.",
        "model_path": "An absolute path, or a hub id.",
        "metrics": "From the first case that measured each.",
    },
    "CaseResult": {
        "suite": "The suite's id; of tests in Python the file.",
        "benchmark": "The benchmark's id.",
        "runner": "The runner's name.",
        "model_path": "An absolute path, or a hub id.",
        "device": "The device's name.",
        "params": "Parameters of the benchmark, with those that the matrix varies.",
        "status": "`ok`: it was measured, even if a bound is broken.",
        "started_at": "When it began: ISO 8601, UTC; null when it did not.",
        "duration_seconds": "Of the whole case, waiting for turns apart.",
        "metrics": "By name, each in [the catalogue](metrics.md#catalogue) or the runner's own.",
        "bounds": "Criteria with `min` or `max`, held against it.",
        "score": "Null where it has none: it was not measured, or no criterion applies.",
        "rank": "Among the cases of its suite; null without a score.",
    },
    "Comparison": {
        "suite": "The suite's id.",
        "benchmark": "The benchmark's id.",
        "status": "Whether sides were compared.",
        "procedure": "How they were measured; null for an earlier run.",
        "verdicts": "Each metric of each candidate.",
    },
    "CriterionRecord": {},
    "LeaderboardRow": {
        "rank": "1 for the best.",
        "case_id": "Which case.",
        "runner": "Its runner.",
        "model": "Its model.",
        "device": "Its device.",
        "score": "The total.",
    },
    "Conditions": {
        "load_average_end": "The same, afterwards.",
        "frequency_mhz_min": "The lowest of these.",
    },
    "Digests": {
        "params": "The parameters.",
        "measure": "Stop rule and limits that can change a result.",
        "quality": "The quality metrics and their options.",
    },
    "Metric": {
        "status": "Whether there is a number.",
        "value": "A finite number; null unless `ok`.",
        "error_message": "Why there is none; null if `ok`.",
        "metadata": "What the number rests on: [the keys](results.md#metrics-in-the-file).",
    },
    "BoundCheck": {
        "criterion": "The criterion's id.",
        "value": "What it is.",
        "unit": "Of the value.",
        "min": "The bound below; null without.",
        "max": "The bound above; null without.",
        "outcome": "`inconclusive`: it cannot be told.",
    },
    "CriterionScore": {"value": "Of the metric or expression; null without one."},
    "Score": {"criteria": "Each criterion's part."},
    "SideRecord": {"name": "As the suite calls it.", "python_version": "Of its interpreter."},
    "Procedure": {
        "seed": "Of the order of turns.",
        "max_seconds": "After which no further launch began.",
    },
    "Verdict": {
        "baseline": "Name of a side.",
        "metric": "What is judged; `outputs` where answers have to be equal.",
        "unit": "Of the values.",
        "baseline_value": "What it is there; null where it could not be had.",
        "candidate_value": "What it is here; null where it could not be had.",
        "interval": "Of the change; null for what is counted, or equal.",
        "is_relative": "Whether the change is a share.",
        "confidence": "Of the interval.",
        "method": "[How it was compared](results.md#comparisons).",
    },
    "Terms": {
        "kind": "How the metric is computed from them.",
        "first": "One entry a sample.",
        "second": "One entry a sample; null for `right`.",
    },
    "SideLaunch": {
        "warmup_ended_by": "As in [TimingRecord](#timingrecord).",
        "warmup_rule": "How that was decided, with the figures.",
    },
}

MEANINGS = {
    f"{name}.{field}": text for name, texts in _OF_OBJECTS.items() for field, text in texts.items()
}
