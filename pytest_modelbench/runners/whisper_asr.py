"""The runner `whisper_asr`: speech to text with Whisper on OpenVINO, through either library."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from pytest_modelbench.documents.strict_model import StrictModel
from pytest_modelbench.registry import Candidate
from pytest_modelbench.runners.contract import Foreseen, Requirement, Runner, Session
from pytest_modelbench.runners.openvino_devices import Precision, check_device, present_devices
from pytest_modelbench.strict import OptionalText

TIMED = (
    "16 kHz samples to text: log-mel features, encoder, decoder, detokenisation; "
    "the features are included because OpenVINO GenAI computes them inside the call"
)

_GENAI = 'set params.backend to "genai", which needs openvino-genai alone'
REQUIREMENTS = {
    "optimum": (
        Requirement("openvino", extra="openvino", alternative=_GENAI),
        Requirement("optimum.intel.openvino", extra="openvino", alternative=_GENAI),
    ),
    "genai": (Requirement("openvino_genai", extra="quickstart"),),
}


class WhisperParams(StrictModel):
    """`params` of `whisper_asr`."""

    language: OptionalText = None
    """A code or a name, such as `en` or `english`; without it a multilingual model detects it."""
    task: Literal["transcribe", "translate"] = "transcribe"
    """`translate` writes English whatever was spoken."""
    chunk_length_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """Longer speech is cut into overlapping pieces of so many seconds; 0 goes by timestamps."""
    batch_size: Annotated[int, Field(ge=1)] = 1
    """How many samples one call is given."""
    precision: Precision | None = None
    """What to compute in; without it the device decides (bf16 on a CPU with AMX)."""
    backend: Literal["optimum", "genai"] = "optimum"
    """Optimum Intel with Transformers, or OpenVINO GenAI."""
    max_new_tokens: Annotated[int, Field(ge=1)] | None = None
    """The most tokens to write for one window; without it as the checkpoint says."""
    normalizer: Literal["basic", "whisper-english", "none"] = "basic"
    """What both texts go through before they are compared."""

    @classmethod
    def conflicts(cls, given: Mapping[str, Any]) -> Iterator[str]:
        if given.get("backend") == "genai":
            for name, usual in (("batch_size", 1), ("chunk_length_s", 0)):
                if given.get(name, usual) not in (usual, None):
                    yield f"{name!r} is not for backend 'genai': leave it at {usual}"


class WhisperAsr(Runner):
    """Whisper on OpenVINO, from a local directory or a hub id, decoded greedily."""

    name = "whisper_asr"
    input_kind = "audio"
    quality = ("wer", "cer")
    params_model = WhisperParams

    def requirements(self, params: Mapping[str, Any]) -> Sequence[Requirement]:
        return REQUIREMENTS[WhisperParams.model_validate(dict(params)).backend]

    def quality_options(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"normalizer": WhisperParams.model_validate(dict(params)).normalizer}

    def devices(self) -> Sequence[str]:
        return present_devices()

    def check_device(self, device: str) -> None:
        check_device(device)

    def foresee(self, candidate: Candidate, params: Mapping[str, Any]) -> Foreseen:
        from pytest_modelbench.runners.foreseen import foreseen_export, problem_of

        if WhisperParams.model_validate(dict(params)).backend == "optimum":
            return foreseen_export(candidate, "automatic-speech-recognition-with-past")
        from pytest_modelbench.runners.whisper_genai import ir_directory

        return problem_of(lambda: ir_directory(candidate))

    def fetch(self, candidate: Candidate, params: Mapping[str, Any]) -> None:
        if WhisperParams.model_validate(dict(params)).backend == "optimum":
            from pytest_modelbench.runners.openvino_export import ensure_ir, import_optimum
            from pytest_modelbench.runners.whisper_optimum import TASK

            import_optimum()
            ensure_ir(candidate, TASK)

    def load(self, candidate: Candidate, device: str, params: Mapping[str, Any]) -> Session:
        """Load through the chosen backend.

        Raises `Unavailable` for an absent device or package, `ModelbenchError` for a model or a
        parameter that does not fit.
        """
        checked = WhisperParams.model_validate(dict(params))
        name = check_device(device)
        if checked.backend == "genai":
            from pytest_modelbench.runners.whisper_genai import load_genai

            return load_genai(candidate, name, checked)
        from pytest_modelbench.runners.whisper_optimum import load_optimum

        return load_optimum(candidate, name, checked)
