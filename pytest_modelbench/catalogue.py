"""Every metric this package knows: name, unit, which way is better, and what it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pytest_modelbench.load.definitions import DEFINITIONS

Better = Literal["lower", "higher"]
Direction = Better | Literal["neither"]


@dataclass(frozen=True, slots=True)
class MetricInfo:
    """What a metric's name stands for."""

    name: str
    unit: str
    better: Direction
    definition: str


_TIMED = "timed calls of the steady state"

CATALOGUE: dict[str, MetricInfo] = {
    info.name: info
    for info in (
        MetricInfo("sample_count", "", "neither", "Usable samples of the dataset."),
        MetricInfo("success_count", "", "higher", "Samples the model answered."),
        MetricInfo("failure_count", "", "lower", "Samples that could not be prepared or answered."),
        MetricInfo(
            "model_load_seconds",
            "s",
            "lower",
            "Wall time from files to a model ready to be called; imports come before it.",
        ),
        MetricInfo(
            "compile_seconds",
            "s",
            "lower",
            "The part of model_load_seconds in which the model was compiled for its device.",
        ),
        MetricInfo("first_latency_ms", "ms", "lower", "The first call after loading."),
        MetricInfo("latency_ms", "ms", "lower", "The headline latency: equal to p50_latency_ms."),
        MetricInfo("mean_latency_ms", "ms", "lower", f"Arithmetic mean over the {_TIMED}."),
        MetricInfo("p50_latency_ms", "ms", "lower", f"Median of the {_TIMED}."),
        MetricInfo("p90_latency_ms", "ms", "lower", f"90th percentile of the {_TIMED}."),
        MetricInfo("p95_latency_ms", "ms", "lower", f"95th percentile of the {_TIMED}."),
        MetricInfo("p99_latency_ms", "ms", "lower", f"99th percentile of the {_TIMED}."),
        MetricInfo("max_latency_ms", "ms", "lower", f"The slowest of the {_TIMED}."),
        MetricInfo(
            "inference_seconds",
            "s",
            "lower",
            f"Wall time in which {_TIMED} were under way: their sum, where there is one at a time.",
        ),
        MetricInfo(
            "throughput_items_per_second",
            "items/s",
            "higher",
            "Samples answered by the timed calls, divided by inference_seconds.",
        ),
        MetricInfo(
            "tokens_per_sec",
            "tokens/s",
            "higher",
            "Tokens by the model's own tokenizer (generated, or read by an encoder) in the answers "
            "of the timed calls, divided by inference_seconds; a call that repeats an input counts "
            "as many as the first on that input.",
        ),
        MetricInfo("audio_seconds", "s", "neither", "Sound given to the timed calls."),
        MetricInfo("real_time_factor", "", "lower", "inference_seconds / audio_seconds."),
        MetricInfo("x_realtime", "x", "higher", "audio_seconds / inference_seconds."),
        MetricInfo(
            "stream_x_realtime",
            "x",
            "higher",
            "audio_seconds / service seconds of all requests: how fast one stream is transcribed, "
            "however many there are at once.",
        ),
        MetricInfo(
            "baseline_ram_mb",
            "MB",
            "neither",
            "Resident memory of the measuring process before loading (10^6 bytes, as are all): "
            "the interpreter, imported libraries, the decoded first portion of the dataset, and "
            "processes it had already started.",
        ),
        MetricInfo(
            "peak_ram_mb",
            "MB",
            "lower",
            "Highest resident memory of the measuring process and the processes it started, in "
            "any phase of the case.",
        ),
        MetricInfo("ram_increase_mb", "MB", "lower", "peak_ram_mb less baseline_ram_mb."),
        MetricInfo("load_peak_ram_mb", "MB", "lower", "Like peak_ram_mb, while loading."),
        MetricInfo("load_ram_increase_mb", "MB", "lower", "load_peak_ram_mb less baseline_ram_mb."),
        MetricInfo("steady_peak_ram_mb", "MB", "lower", f"Like peak_ram_mb, during the {_TIMED}."),
        MetricInfo(
            "steady_ram_increase_mb",
            "MB",
            "lower",
            f"steady_peak_ram_mb less the resident memory just before the {_TIMED}: what calls "
            "need beyond the loaded model, their answers included, which are kept until they are "
            "scored. Of a dataset in portions it is the largest of any portion.",
        ),
        MetricInfo(
            "peak_vram_mb",
            "MB",
            "lower",
            "Highest device memory of the measuring process and the processes it started during "
            "the case, by NVML.",
        ),
        MetricInfo(
            "device_peak_vram_mb",
            "MB",
            "lower",
            "Highest memory in use on the whole device during the case, whoever uses it, by NVML.",
        ),
        MetricInfo(
            "device_vram_increase_mb",
            "MB",
            "lower",
            "device_peak_vram_mb less what was in use on the device before loading.",
        ),
        MetricInfo(
            "torch_peak_allocated_mb",
            "MB",
            "lower",
            "Highest memory in tensors on the device, by PyTorch's allocator.",
        ),
        MetricInfo(
            "torch_peak_reserved_mb",
            "MB",
            "lower",
            "Highest memory that PyTorch's allocator had reserved on the device.",
        ),
        MetricInfo(
            "openvino_gpu_peak_mb",
            "MB",
            "lower",
            "Highest memory, of all kinds, that OpenVINO's GPU plug-in had allocated at the end of "
            "a phase, by its own statistics; they hold no peak.",
        ),
        MetricInfo(
            "cpu_joules_per_item",
            "J/item",
            "lower",
            f"Energy of the whole processor packages during the {_TIMED}, by RAPL, a sample.",
        ),
        MetricInfo(
            "gpu_joules_per_item",
            "J/item",
            "lower",
            f"Energy of the whole device during the {_TIMED}, by NVML's counter, a sample.",
        ),
        MetricInfo("file_size_mb", "MB", "lower", "Size of the model's files (10^6 bytes)."),
        MetricInfo(
            "wer", "", "lower", "Word error rate over the corpus: (S + D + I) / reference words."
        ),
        MetricInfo(
            "cer", "", "lower", "Character error rate over the corpus: (S + D + I) / characters."
        ),
        MetricInfo(
            "spearman", "", "higher", "Spearman rank correlation of predictions and references."
        ),
        MetricInfo("pearson", "", "higher", "Pearson correlation of predictions and references."),
        MetricInfo("exact_match", "", "higher", "Share of predictions equal to the reference."),
        MetricInfo("vector_dim_mean", "dimensions", "neither", "Mean length of the vectors."),
        MetricInfo("vector_dim_min", "dimensions", "neither", "Length of the shortest vector."),
        MetricInfo("vector_dim_max", "dimensions", "neither", "Length of the longest vector."),
        MetricInfo(
            "cove_pass_rate", "%", "higher", "Chain of verification: drafts that pass, of all."
        ),
        MetricInfo(
            "retrieval_score", "%", "higher", "Quality of the model's own ranking of documents."
        ),
    )
}

STANDARD_METRICS = (
    "latency_ms",
    "tokens_per_sec",
    "peak_vram_mb",
    "peak_ram_mb",
    "cove_pass_rate",
    "retrieval_score",
)
"""The six metrics every candidate of a run carries."""

RAM_METRICS = (
    "baseline_ram_mb",
    "peak_ram_mb",
    "ram_increase_mb",
    "load_peak_ram_mb",
    "load_ram_increase_mb",
    "steady_peak_ram_mb",
    "steady_ram_increase_mb",
)
VRAM_METRICS = ("peak_vram_mb", "device_peak_vram_mb", "device_vram_increase_mb")
TORCH_METRICS = ("torch_peak_allocated_mb", "torch_peak_reserved_mb")
MEMORY_METRICS = (*RAM_METRICS, *VRAM_METRICS, *TORCH_METRICS, "openvino_gpu_peak_mb")
PROCESS_MEMORY_METRICS = tuple(name for name in MEMORY_METRICS if not name.startswith("device_"))
"""What a process has for itself, whoever else uses the device."""
ENERGY_METRICS = ("cpu_joules_per_item", "gpu_joules_per_item")

TIMING_METRICS = (
    "sample_count",
    "success_count",
    "failure_count",
    "model_load_seconds",
    "compile_seconds",
    "first_latency_ms",
    "latency_ms",
    "mean_latency_ms",
    "p50_latency_ms",
    "p90_latency_ms",
    "p95_latency_ms",
    "p99_latency_ms",
    "max_latency_ms",
    "inference_seconds",
    "throughput_items_per_second",
    "tokens_per_sec",
    *MEMORY_METRICS,
    *ENERGY_METRICS,
    "file_size_mb",
)
"""What is measured for every case, whatever its runner."""

COUNTED_METRICS = ("file_size_mb", "sample_count", "success_count", "failure_count")
"""What is counted, not measured: it needs no interval to be told apart."""

AUDIO_METRICS = ("audio_seconds", "real_time_factor", "x_realtime")
"""What is measured in addition when the inputs are sound."""
STREAM_METRICS = ("stream_x_realtime",)
"""And of sound that is sent to an endpoint."""

# A latency of a request is that of a call, under the same name.
CATALOGUE |= {info[0]: MetricInfo(*info) for info in DEFINITIONS if info[0] not in CATALOGUE}
LOAD_METRICS = tuple(info[0] for info in DEFINITIONS if info[0] not in TIMING_METRICS)
"""What is measured in addition of requests to an endpoint."""


def unit_of(name: str) -> str:
    """The unit of a metric; empty for one the catalogue does not know."""
    return CATALOGUE[name].unit if name in CATALOGUE else ""


def better_of(metric: str) -> Better | None:
    """Which way is better by the catalogue; None where it does not say.

    >>> better_of("x_realtime"), better_of("p50_latency_ms"), better_of("my_accuracy")
    ('higher', 'lower', None)
    """
    info = CATALOGUE.get(metric)
    return None if info is None or info.better == "neither" else info.better


def metric_name(name: str) -> str:
    """The metric name that a `quality` entry yields.

    >>> metric_name("evaluate:wer"), metric_name("mymodule:accuracy")
    ('wer', 'accuracy')
    >>> metric_name("evaluate:./dir/bleu#score")
    'score'
    """
    kind, colon, rest = name.partition(":")
    if not colon:
        return name
    if kind != "evaluate":
        return rest.rpartition(".")[2]
    if "#" in rest:
        return rest.rpartition("#")[2]
    return rest.rstrip("/").rpartition("/")[2].removesuffix(".py")


def in_catalogue(name: str) -> tuple[str, str]:
    """The prefix that a named measurement puts before its metrics, and the metric's own name.

    >>> in_catalogue("long_p50_latency_ms"), in_catalogue("first_latency_ms")
    (('long_', 'p50_latency_ms'), ('', 'first_latency_ms'))
    """
    words = name.split("_")
    for start in range(len(words)):
        known = "_".join(words[start:])
        if known in CATALOGUE:
            return name.removesuffix(known), known
    return "", name
