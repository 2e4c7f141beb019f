"""Inputs and outputs of an OpenVINO model: their names and types, and arrays that fit them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_modelbench.errors import ModelbenchError, one_line
from pytest_modelbench.registered import did_you_mean

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[Any]

# As OpenVINO's benchmark_app fills inputs: numbers of one byte, whatever the type.
RANDOM_MAX = 255


@dataclass(frozen=True, slots=True)
class Port:
    """One input or output."""

    name: str
    """The first of its names."""
    names: frozenset[str]
    type_name: str
    """OpenVINO's short form, such as `f32`."""
    dtype: np.dtype[Any]
    shape: tuple[int, ...] | None
    """None when it is dynamic."""

    def __str__(self) -> str:
        shape = "dynamic" if self.shape is None else ",".join(map(str, self.shape))
        return f"{self.type_name}[{shape}]"


def read_ports(ports: Sequence[Any]) -> list[Port]:
    """What is known of a model's `inputs` or `outputs`.

    Raises `ModelbenchError` for a type without an equal in numpy, such as `bf16` or `string`.
    """
    return [_port(port, index) for index, port in enumerate(ports)]


def _port(port: Any, index: int) -> Port:
    import numpy as np

    name = port_name(port, index)
    element = port.element_type
    type_name, bits = element.get_type_name(), element.bitwidth
    dtype = np.dtype(element.to_dtype()) if bits else None
    # numpy's stand-ins for what it lacks have another size, but for bf16.
    if dtype is None or dtype.itemsize * 8 != bits or type_name == "bf16":
        raise ModelbenchError(
            f"{name!r} of the model is of type {type_name}, which numpy does not have: give the "
            "model inputs and outputs of another type"
        )
    shape = port.get_partial_shape()
    return Port(
        name,
        frozenset(port.names) | {name},
        type_name,
        dtype,
        tuple(port.shape) if shape.is_static else None,
    )


def port_name(port: Any, index: int) -> str:
    """The name people know an input or output by."""
    names = sorted(port.names)
    return str(names[0]) if names else f"{port.node.friendly_name or index}"


def find_port(name: str, ports: Sequence[Port], what: str) -> int:
    """The position of the port of that name. Raises `ModelbenchError` naming those there are."""
    for index, port in enumerate(ports):
        if name in port.names:
            return index
    known = [port.name for port in ports]
    raise ModelbenchError(
        f"{what}: the model has no input {name!r}; it has {', '.join(known)}"
        f"{did_you_mean(name, known)}"
    )


def sample_arrays(
    given: Any, ports: Sequence[Port], shapes: Sequence[tuple[int, ...]]
) -> list[Any]:
    """One array for each port, in its type and in the shape at its place in `shapes`.

    `given` is a mapping of names to (nested lists of) numbers, or a seed to fill arrays from.
    Raises `ModelbenchError` for anything else, and for what does not fit.
    """
    if isinstance(given, int) and not isinstance(given, bool):
        return _random(given, ports, shapes)
    if not isinstance(given, Mapping):
        raise ModelbenchError(
            f"the sample is a {type(given).__name__}: give an object with an array for each input "
            "of the model, or an integer, from which they are filled at random"
        )
    arrays: list[Any] = [None] * len(ports)
    for name, value in given.items():
        index = find_port(str(name), ports, "the sample")
        arrays[index] = _fitting(value, ports[index], shapes[index])
    for port, array in zip(ports, arrays, strict=True):
        if array is None:
            raise ModelbenchError(f"the sample has no input {port.name!r}, which is {port}")
    return arrays


def _random(seed: int, ports: Sequence[Port], shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    """Uniform in [0, 255]; integers of a smaller range up to its end, booleans either."""
    import numpy as np

    if seed < 0:
        raise ModelbenchError(f"the sample is {seed}: a seed is 0 or more")
    source = np.random.default_rng(seed)
    arrays: list[Array] = []
    for port, shape in zip(ports, shapes, strict=True):
        if port.dtype.kind in "iu":
            most = min(RANDOM_MAX, int(np.iinfo(port.dtype).max))
            arrays.append(source.integers(0, most, shape, dtype=port.dtype, endpoint=True))
        elif port.dtype.kind == "b":
            arrays.append(source.integers(0, 1, shape, endpoint=True).astype(bool))
        else:
            arrays.append(source.uniform(0, RANDOM_MAX, shape).astype(port.dtype))
    return arrays


def _fitting(value: Any, port: Port, shape: tuple[int, ...]) -> Array:
    """`value` in the port's type; a batch of one counts as a sample. Never wraps or rounds."""
    import numpy as np

    try:
        array = np.asarray(value)
    except (ValueError, OverflowError) as error:  # lists of unequal length
        raise _unfit(port, one_line(error, 120)) from None
    if array.dtype.kind not in "biuf":
        raise _unfit(port, f"the sample's is of type {array.dtype}")
    if array.shape not in (shape, (1, *shape)):
        wanted = ",".join(map(str, shape))
        raise _unfit(port, f"a sample has the shape [{wanted}], not {list(array.shape)}")
    array = array.reshape(shape)
    with np.errstate(all="ignore"):  # what does not fit is told by the comparison
        cast = array.astype(port.dtype)
    if port.dtype.kind == "f":
        fits = np.array_equal(np.isfinite(cast), np.isfinite(array))
    else:
        fits = np.array_equal(cast, array)
    if not fits:
        raise _unfit(port, f"the sample's values, of type {array.dtype}, do not fit")
    return cast


def _unfit(port: Port, reason: str) -> ModelbenchError:
    return ModelbenchError(f"input {port.name!r} is {port}: {reason}")
