"""Whether a model's `tokenizer.json` alone gives what Transformers' `AutoTokenizer` gives.

`AutoTokenizer` does not always take the file as it is. Transformers 5 keeps the vocabulary
and builds the rest anew, as the class in `tokenizer_config.json` says; Transformers 4 sets single
settings. So a file is read without Transformers only where it says the same as the class and its
configuration do, and where nothing else in the directory could add to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.runners.model_json import read_object
from pytest_modelbench.runners.tokenizer_families import FAMILIES, SPECIAL_TOKENS

FLAGS = ("single_word", "lstrip", "rstrip", "normalized", "special")
TOKEN_LISTS = ("additional_special_tokens", "extra_special_tokens")

# What `tokenizer_config.json` may have: what is looked at here or by a family, and what cannot
# change an encoder's input. Anything else is left to Transformers.
UNDERSTOOD = frozenset(
    (
        *("tokenizer_class", "added_tokens_decoder", *SPECIAL_TOKENS, *TOKEN_LISTS),
        *("model_max_length", "max_len", "padding_side", "truncation_side", "backend"),
        *("do_lower_case", "strip_accents", "tokenize_chinese_chars", "add_prefix_space"),
        # Of slow tokenizers, of decoding, or of calls that give none of their own.
        *("do_basic_tokenize", "never_split", "sp_model_kwargs", "errors", "trim_offsets"),
        *("clean_up_tokenization_spaces", "max_length", "stride", "truncation_strategy"),
        *("pad_to_multiple_of", "pad_token_type_id", "model_input_names"),
        *("name_or_path", "special_tokens_map_file", "is_local", "local_files_only"),
    )
)


class NotPlain(Exception):  # noqa: N818 - a reason to ask Transformers, not a fault
    """Why `tokenizer.json` alone is not enough."""


@dataclass(frozen=True, slots=True)
class PlainTokenizer:
    """A `tokenizers.Tokenizer` that neither pads nor cuts yet, and how it is to do both."""

    tokenizer: Any
    pad_token: str
    pad_id: int
    padding_side: str
    truncation_side: str
    model_max_length: int | None


def read_plain(source: Path) -> PlainTokenizer:
    """The tokenizer in `source`. Raises `NotPlain` where only Transformers knows what it does."""
    from tokenizers import Tokenizer

    file = source / "tokenizer.json"
    if not file.is_file():
        raise NotPlain("there is no tokenizer.json")
    if (source / "added_tokens.json").is_file():
        raise NotPlain("there is an added_tokens.json")
    config = _read(source / "tokenizer_config.json")
    family = FAMILIES.get(str(config.get("tokenizer_class")))
    if family is None:
        raise NotPlain(f"tokenizer_class is {config.get('tokenizer_class')!r}")
    if unknown := sorted(config.keys() - UNDERSTOOD):
        raise NotPlain(f"tokenizer_config.json has {', '.join(map(repr, unknown))}")
    if config.get("backend", "tokenizers") != "tokenizers":
        raise NotPlain(f"its backend is {config['backend']!r}")
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # tokenizers raises nothing more special
        raise NotPlain(f"tokenizer.json cannot be read: {error}") from error
    # Each call of a Transformers tokenizer sets its own; what the file has is a default at most.
    padding, cutting = tokenizer.padding or {}, tokenizer.truncation or {}
    tokenizer.no_padding()
    tokenizer.no_truncation()
    named = _named_tokens(config, source, family.special_tokens, padding)
    _check_added_tokens(tokenizer, config, named, rebuilt=family.is_rebuilt)
    if difference := family.difference(tokenizer, config, named):
        raise NotPlain(f"{config['tokenizer_class']} would have another {difference}")
    if any(tokenizer.encode("a").type_ids):
        raise NotPlain("single texts have token types")
    return PlainTokenizer(
        tokenizer,
        named["pad_token"],
        tokenizer.token_to_id(named["pad_token"]),
        str(config.get("padding_side") or padding.get("direction", "right")),
        str(config.get("truncation_side") or cutting.get("direction", "right")),
        config.get("model_max_length", config.get("max_len")),
    )


def _read(path: Path) -> dict[str, Any]:
    """The object in `path`; an absent file is empty."""
    try:
        return read_object(path)
    except ModelbenchError as error:
        # By its name alone: where it lies is no property of the model.
        raise NotPlain(str(error).replace(str(path), path.name)) from error


def _named_tokens(
    config: Mapping[str, Any],
    source: Path,
    defaults: Mapping[str, str],
    padding: Mapping[str, Any],
) -> dict[str, Any]:
    """The special tokens by their roles, such as `pad_token`: texts or objects with flags."""
    listed = _read(source / "special_tokens_map.json")
    if unknown := sorted(listed.keys() - {*SPECIAL_TOKENS, *TOKEN_LISTS}):
        raise NotPlain(f"special_tokens_map.json has {', '.join(map(repr, unknown))}")
    named: dict[str, Any] = {"pad_token": padding.get("pad_token"), **defaults}
    for role in (*SPECIAL_TOKENS, *TOKEN_LISTS):
        given = [found[role] for found in (config, listed) if role in found]
        with_flags = [one for one in given if not isinstance(one, str)] or given
        if given:
            named[role] = with_flags[0]
        if any(_texts(one) != _texts(given[0]) for one in given) or any(
            one != with_flags[0] for one in with_flags
        ):
            raise NotPlain(f"its files disagree on {role}")
    for role in TOKEN_LISTS:
        if not isinstance(named.get(role) or [], list):
            raise NotPlain(f"{role} is not a list")
    return {role: given for role, given in named.items() if given}


def _texts(given: Any) -> Any:
    """A special token, or several, without its flags."""
    if isinstance(given, list):
        return [_texts(one) for one in given]
    return given.get("content") if isinstance(given, dict) else given


def _check_added_tokens(
    tokenizer: Any, config: Mapping[str, Any], named: dict[str, Any], *, rebuilt: bool
) -> None:
    """Every special token must be in `tokenizer.json`; `named` is left with texts alone."""
    if "pad_token" not in named:
        raise NotPlain("there is no pad_token")
    added = tokenizer.get_added_tokens_decoder()
    flags = {token.content: _flags(token) for token in added.values()}
    for role, given in list(named.items()):
        for one in given if isinstance(given, list) else [given]:
            text = _texts(one)
            if not flags.get(text, {}).get("special"):
                raise NotPlain(f"{role} {text!r} is no special token of tokenizer.json")
            if isinstance(one, dict) and flags[text] != {**flags[text], **_only_flags(one)}:
                raise NotPlain(f"{role} {text!r} is another in tokenizer.json")
        named[role] = _texts(given)
    declared = config.get("added_tokens_decoder")
    if declared is not None and {
        int(number): (token["content"], _only_flags(token)) for number, token in declared.items()
    } != {number: (token.content, flags[token.content]) for number, token in added.items()}:
        raise NotPlain("its files disagree on added_tokens_decoder")
    # Built anew, those that the vocabulary lacks are numbered anew.
    model = tokenizer.model
    if rebuilt and any(model.token_to_id(token.content) != at for at, token in added.items()):
        raise NotPlain("it has added tokens that are not in its vocabulary")


def _flags(token: Any) -> dict[str, bool]:
    return {flag: getattr(token, flag) for flag in FLAGS}


def _only_flags(token: Mapping[str, Any]) -> dict[str, Any]:
    return {flag: token[flag] for flag in FLAGS if flag in token}
