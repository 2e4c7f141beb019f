"""From a JSON value to a model: every fault at once, each with its place and what is right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, RootModel

from pytest_modelbench.documents.problems import DocumentError
from pytest_modelbench.documents.strict_model import StrictModel
from pytest_modelbench.documents.validate import load_document


class Wheel(StrictModel):
    size: Annotated[int, Field(ge=1, lt=100)]
    brand: Annotated[str, Field(min_length=1)] = "none"

    @classmethod
    def conflicts(cls, given: Mapping[str, Any]) -> Iterator[str]:
        if given.get("brand") == "square":
            yield "a wheel is round"


class Car(StrictModel):
    name: str
    colour: Literal["red", "green", "blue"] = "red"
    price: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    sold: bool = False
    wheels: list[Wheel] = []
    spare: Wheel | None = None
    extras: dict[str, Any] = {}


class Cars(RootModel[list[Car]]):
    pass


def faults(folder: Path, text: str, model: type = Car) -> list[str]:
    """Every fault as `line path: message`."""
    file = folder / "car.json"
    file.write_text(text)
    with pytest.raises(DocumentError) as caught:
        load_document(file, model)
    prefix = f"{file}:"
    lines = str(caught.value).splitlines()
    assert all(line.startswith(prefix) for line in lines)
    return [line.removeprefix(prefix) for line in lines]


def test_a_right_document_is_the_model_and_its_lines(tmp_path: Path) -> None:
    file = tmp_path / "car.json"
    file.write_text('{"name": "a",\n"wheels": [{"size": 3}],\n"price": 2}')
    car, document = load_document(file, Car)
    assert car == Car(name="a", wheels=[Wheel(size=3)], price=2.0)
    assert document.line(("wheels", 0, "size")) == 2


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ('"name": 1', "name: 1 should be a string"),
        ('"name": null', "name: null should be a string"),
        ('"name": "x", "price": "2"', 'price: "2" should be a number'),
        ('"name": "x", "price": true', "price: true should be a number"),
        ('"name": "x", "price": 0', "price: 0 should be more than 0"),
        ('"name": "x", "sold": 1', "sold: 1 should be true or false"),
        ('"name": "x", "wheels": {}', "wheels: {} should be a list"),
        ('"name": "x", "wheels": [7]', "wheels[0]: 7 should be an object"),
        ('"name": "x", "wheels": [{}]', "wheels[0].size: is missing: it must be given"),
        ('"name": "x", "spare": {"size": 1.5}', "spare.size: 1.5 should be a whole number"),
        ('"name": "x", "spare": {"size": 0}', "spare.size: 0 should be at least 1"),
        ('"name": "x", "spare": {"size": 100}', "spare.size: 100 should be less than 100"),
        (
            '"name": "x", "spare": {"size": 9, "brand": ""}',
            'spare.brand: "" should not be empty',
        ),
        ('"name": "x", "extras": []', "extras: [] should be an object"),
        (
            '"name": "x", "colour": "gren"',
            "colour: \"gren\" should be one of 'red', 'green', 'blue'; did you mean 'green'?",
        ),
        ('"name": "x", "colour": 5', "colour: 5 should be one of 'red', 'green', 'blue'"),
        ('"name": "x", "whels": []', "whels: unknown field; did you mean 'wheels'?"),
        (
            '"name": "x", "zzz": 1',
            "zzz: unknown field; known here: name, colour, price, sold, wheels, spare, extras",
        ),
        (
            '"name": "x", "wheels": [{"size": 2, "brnd": 1}]',
            "wheels[0].brnd: unknown field; did you mean 'brand'?",
        ),
    ],
)
def test_one_fault_is_one_sentence_with_place_value_and_remedy(
    tmp_path: Path, field: str, message: str
) -> None:
    (line,) = faults(tmp_path, "{\n" + field + "}")
    assert line == f"2: {message}"


def test_all_faults_are_told_in_the_order_of_their_lines(tmp_path: Path) -> None:
    text = '{"nme": 1,\n"wheels": [{"size": 1},\n{"size": "b"}],\n"colour": "pink"}'
    lines = faults(tmp_path, text)
    assert [line.partition(":")[0] for line in lines] == ["1", "1", "3", "4"]
    assert {line.split(": ")[1] for line in lines} == {
        "nme",
        "name",
        "wheels[1].size",
        "colour",
    }


def test_a_contradiction_is_told_beside_the_faults_of_single_fields(tmp_path: Path) -> None:
    """One reading finds everything: what contradicts itself may also hold a wrong type."""
    lines = faults(tmp_path, '{"name": "x",\n"spare": {"size": "b", "brand": "square"}}')
    assert lines == ['2: spare.size: "b" should be a whole number', "2: spare: a wheel is round"]


def test_a_contradiction_alone_is_a_fault(tmp_path: Path) -> None:
    text = '{"name": "x",\n"wheels": [\n{"size": 1, "brand": "square"}]}'
    assert faults(tmp_path, text) == ["3: wheels[0]: a wheel is round"]


@pytest.mark.parametrize("text", ["[]", '"x"', "3", "null", "true"])
def test_a_document_of_another_kind_is_shown_and_named(tmp_path: Path, text: str) -> None:
    assert faults(tmp_path, text) == [f"1: {text} should be an object"]


def test_a_list_document_names_its_items(tmp_path: Path) -> None:
    lines = faults(tmp_path, '[{"name": "a"},\n{"name": "b", "sld": true}]', Cars)
    assert lines == ["2: [1].sld: unknown field; did you mean 'sold'?"]
