"""A text encoder on OpenVINO: texts to token vectors."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_modelbench.runners.openvino_devices import openvino_core
from pytest_modelbench.runners.openvino_requests import Done, InferRequests, Mode, requests_wanted
from pytest_modelbench.runners.text_tokenizer import TextTokenizer, load_tokenizer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Mask = NDArray[np.int64]

# An IR made from a Transformers model, and one made from a sentence-transformers model.
TOKEN_OUTPUTS = ("last_hidden_state", "token_embeddings")


class TextEncoder:
    """A tokenizer and a compiled model.

    The model is compiled without Optimum Intel's `OVModelForFeatureExtraction`, which refuses an
    IR made from a sentence-transformers model; the call is the same.
    """

    def __init__(
        self,
        compiled: Any,
        tokenizer: TextTokenizer,
        requests: int = 1,
        compile_seconds: float | None = None,
    ) -> None:
        self.compiled = compiled
        self.compile_seconds = compile_seconds
        self.requests = InferRequests(compiled, requests)
        self.tokenizer = tokenizer
        self._inputs = {name for port in compiled.inputs for name in port.names}
        outputs = {name: port for port in compiled.outputs for name in port.names}
        self._output = next(
            (outputs[name] for name in TOKEN_OUTPUTS if name in outputs), compiled.output(0)
        )

    @property
    def width(self) -> int | None:
        """The size of a token vector; None when the IR leaves it open."""
        size = self._output.get_partial_shape()[2]
        return int(size.get_length()) if size.is_static else None

    def encode(self, texts: Sequence[str]) -> tuple[Floats, Mask]:
        """Token vectors `(texts, length, width)` and the mask `(texts, length)` of real tokens.

        The vectors are valid until the next call.
        """
        inputs, mask = self._tokenize(texts)
        answer = self.requests.first.infer(inputs, share_inputs=True, share_outputs=True)
        return _as_float32(answer[self._output]), mask

    def start(self, texts: Sequence[str], read: Callable[[Floats, Mask], Any], done: Done) -> None:
        """Begin to encode; `done` is given what `read` makes of what `encode` would answer.

        The tokenizer works here; `read` is called by `requests.wait`, and the vectors are valid
        until it returns.
        """
        inputs, mask = self._tokenize(texts)

        def answer(request: Any) -> Any:
            return read(_as_float32(request.get_tensor(self._output).data), mask)

        self.requests.start(answer, done, inputs, is_read_timed=True)

    def _tokenize(self, texts: Sequence[str]) -> tuple[dict[str, Any], Mask]:
        import numpy as np

        given = self.tokenizer(texts)
        mask = given["attention_mask"]
        inputs = {name: array for name, array in given.items() if name in self._inputs}
        if "token_type_ids" in self._inputs - inputs.keys():
            inputs["token_type_ids"] = np.zeros_like(mask)
        return inputs, mask


def _as_float32(vectors: Any) -> Floats:
    import numpy as np

    floats: Floats = vectors.astype(np.float32, copy=False)
    return floats


def load_encoder(
    ir: Path,
    source: Path,
    device: str,
    config: dict[str, str],
    max_tokens: int | None,
    mode: Mode = "latency",
) -> TextEncoder:
    """The IR in `ir` compiled for `device`, with the tokenizer in `source`.

    Raises `Unavailable` when the tokenizer takes Transformers and that is not installed.
    """
    tokenizer = load_tokenizer(source, max_tokens)
    core = openvino_core()
    model = core.read_model(ir / "openvino_model.xml")
    started = time.perf_counter()
    compiled = core.compile_model(model, device, {"PERFORMANCE_HINT": mode.upper(), **config})
    compile_seconds = time.perf_counter() - started
    return TextEncoder(compiled, tokenizer, requests_wanted(compiled, mode), compile_seconds)
