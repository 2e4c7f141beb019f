from __future__ import annotations

import pytest

from pytest_modelbench.endpoints.addresses import full_address, own_addresses
from pytest_modelbench.errors import ModelbenchError

PATH = "/v1/audio/transcriptions"
VARIABLES = ("MODELBENCH_ENDPOINTS", "MODELBENCH_ENDPOINT")


@pytest.fixture(autouse=True)
def _without_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("localhost:8000", "http://localhost:8000/v1/audio/transcriptions"),
        ("10.0.0.7", "http://10.0.0.7/v1/audio/transcriptions"),
        ("[::1]:80", "http://[::1]:80/v1/audio/transcriptions"),
        (" https://host/ ", "https://host/v1/audio/transcriptions"),
        ("https://host/v1", "https://host/v1/audio/transcriptions"),
        ("https://host/v1/", "https://host/v1/audio/transcriptions"),
        ("https://host/openai", "https://host/openai/v1/audio/transcriptions"),
        ("https://host/openai/v1/audio", "https://host/openai/v1/audio/transcriptions"),
        (f"https://host{PATH}", f"https://host{PATH}"),
        (f"host:1{PATH}/", f"http://host:1{PATH}"),
        ("HTTP://Host:1", "http://Host:1/v1/audio/transcriptions"),
    ],
)
def test_what_lacks_of_the_path_is_added(text: str, whole: str) -> None:
    assert full_address(text, PATH, "params.base_url") == whole


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("ftp://host", "begins with ftp://"),
        ("https://me:s3cret@host", "holds a name or a password"),
        ("https://s3cret@host", "holds a name or a password"),
        ("https://host/v1?api_key=s3cret", "holds a '\\?' or a '#'"),
        ("https://host/#part", "holds a '\\?' or a '#'"),
        ("https://", "names no host"),
        ("", "names no host"),
        ("http://host:0", "names no host"),
        ("http://host:99999", "cannot be read"),
        ("http://ho st", "names no host"),
        ("http://[::1", "cannot be read"),
        ("http://host/a b", "holds a character that no address has"),
        ("http://h\u00f6st", "names no host"),
    ],
)
def test_what_is_no_address_is_refused_in_a_sentence(text: str, why: str) -> None:
    with pytest.raises(ModelbenchError, match=f"^an address in params.endpoints {why}") as caught:
        full_address(text, PATH, "params.endpoints")
    assert "write http://host:port, https://host/path or host:port" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_the_suite_comes_before_the_list_before_the_single_variable_before_the_usual_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def hosts(*given: str) -> list[str]:
        return [one.removesuffix(PATH) for one in own_addresses(given, PATH, "params.endpoints")]

    assert hosts() == ["http://localhost:8000"]
    monkeypatch.setenv("MODELBENCH_ENDPOINT", "single:1")
    assert hosts() == ["http://single:1"]
    monkeypatch.setenv("MODELBENCH_ENDPOINTS", " , ")
    assert hosts() == ["http://single:1"]
    monkeypatch.setenv("MODELBENCH_ENDPOINTS", "first:1, https://second ,first:1,")
    assert hosts() == ["http://first:1", "https://second"]
    assert hosts("suite:2") == ["http://suite:2"]


def test_a_fault_names_the_variable_it_is_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELBENCH_ENDPOINTS", "fine:1,ftp://x")
    with pytest.raises(ModelbenchError, match=r"^an address in MODELBENCH_ENDPOINTS begins with"):
        own_addresses([], PATH, "params.endpoints")
