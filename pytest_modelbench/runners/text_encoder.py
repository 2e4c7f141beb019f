"""A text encoder on OpenVINO: texts to token vectors."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_modelbench.errors import missing_extra
from pytest_modelbench.runners.openvino_devices import openvino_core
from pytest_modelbench.runners.openvino_requests import Done, InferRequests, Mode, requests_wanted
from pytest_modelbench.runners.quiet import quiet_libraries

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Mask = NDArray[np.int64]

# An IR made from a Transformers model, and one made from a sentence-transformers model.
TOKEN_OUTPUTS = ("last_hidden_state", "token_embeddings")
# Tokenizers without a limit of their own carry a number beyond any memory.
NO_LIMIT = 1_000_000


class TextEncoder:
    """A tokenizer and a compiled model.

    The model is compiled without Optimum Intel's `OVModelForFeatureExtraction`, which refuses an
    IR made from a sentence-transformers model; the call is the same.
    """

    def __init__(
        self,
        compiled: Any,
        tokenizer: Any,
        max_tokens: int | None,
        requests: int = 1,
        compile_seconds: float | None = None,
    ) -> None:
        self.compiled = compiled
        self.max_tokens = max_tokens
        self.compile_seconds = compile_seconds
        self.requests = InferRequests(compiled, requests)
        self._tokenizer = tokenizer
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

        The tokenizer works here, as it may not be used by two threads at once; `read` is called in
        another thread, and the vectors are valid until it returns.
        """
        inputs, mask = self._tokenize(texts)

        def begin(request: Any) -> None:
            request.start_async(inputs, share_inputs=True)

        def answer(request: Any) -> Any:
            return read(_as_float32(request.get_tensor(self._output).data), mask)

        self.requests.start(begin, answer, done)

    def _tokenize(self, texts: Sequence[str]) -> tuple[dict[str, Any], Mask]:
        import numpy as np

        given = self._tokenizer(
            list(texts),
            padding=True,
            truncation=self.max_tokens is not None,
            max_length=self.max_tokens,
            return_tensors="np",
        )
        mask = given["attention_mask"].astype(np.int64)
        inputs = {name: given[name] for name in given if name in self._inputs}
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

    Raises `Unavailable` when transformers is not installed.
    """
    try:
        with quiet_libraries():
            from transformers import AutoTokenizer
    except ImportError as error:
        raise missing_extra("transformers", "openvino") from error
    with quiet_libraries():
        tokenizer = AutoTokenizer.from_pretrained(source)
    core = openvino_core()
    model = core.read_model(ir / "openvino_model.xml")
    started = time.perf_counter()
    compiled = core.compile_model(model, device, {"PERFORMANCE_HINT": mode.upper(), **config})
    compile_seconds = time.perf_counter() - started
    return TextEncoder(
        compiled,
        tokenizer,
        max_tokens or _limit(source, tokenizer),
        requests_wanted(compiled, mode),
        compile_seconds,
    )


def _limit(source: Path, tokenizer: Any) -> int | None:
    """The most tokens the model can take, where its files say."""
    path = source / "config.json"
    config = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    limits = [tokenizer.model_max_length, config.get("max_position_embeddings")]
    # XLNet writes -1 for "no limit".
    known = [limit for limit in limits if limit and 0 < limit < NO_LIMIT]
    return min(known) if known else None
