from __future__ import annotations

import pytest

from pytest_modelbench.endpoints.keys import (
    key_from_environment,
    keys_in_parameters,
    optional_key,
)
from pytest_modelbench.errors import ModelbenchError, Unavailable

NAMES = ("FIRST_KEY", "SECOND_KEY")


@pytest.fixture(autouse=True)
def _without_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def test_the_first_variable_that_is_set_has_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECOND_KEY", "second")
    assert key_from_environment(NAMES, "x") == optional_key(NAMES) == "second"
    monkeypatch.setenv("FIRST_KEY", "")
    assert key_from_environment(NAMES, "x") == "second"
    monkeypatch.setenv("FIRST_KEY", "first")
    assert key_from_environment(NAMES, "x") == optional_key(NAMES) == "first"


def test_without_a_key_a_case_is_skipped_and_told_which_variable_it_needs() -> None:
    with pytest.raises(Unavailable) as caught:
        key_from_environment(NAMES, "provider 'somebody'")
    assert str(caught.value) == (
        "FIRST_KEY is not set: provider 'somebody' needs a key, which is read from that "
        "environment variable (or SECOND_KEY) alone"
    )
    assert optional_key(NAMES) is None


@pytest.mark.parametrize("value", ["two words", "s3cret\n", "\ts3cret", "s3cret\r", "s3cr\u00e9t"])
def test_what_cannot_be_a_key_is_refused_without_being_shown(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRST_KEY", value)
    for ask in (lambda: key_from_environment(NAMES, "x"), lambda: optional_key(NAMES)):
        with pytest.raises(ModelbenchError, match=r"^FIRST_KEY holds a space, a line") as caught:
            ask()
        assert not isinstance(caught.value, Unavailable)
        assert value.strip() not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    ["api_key", "apiKey", "key", "Authorization", "DEEPGRAM_API_KEY", "access_token", "HF_TOKEN"],
)
def test_a_parameter_called_as_a_key_is_refused_without_its_value(name: str) -> None:
    (sentence,) = keys_in_parameters({"language": "en", name: "s3cret"})
    assert sentence.startswith(f"{name!r} is no parameter: keys are read from the environment")
    assert "s3cret" not in sentence


def test_other_parameters_are_let_be() -> None:
    assert not list(keys_in_parameters({"max_tokens": 3, "keyterm": "a", "monkey": 1}))
    mistyped = ("max_token", "min_token", "max_new_token", "maxToken", "stop_token", "eos_token")
    assert not list(keys_in_parameters(dict.fromkeys(mistyped, 3)))
