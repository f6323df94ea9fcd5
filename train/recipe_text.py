"""Recipes as text: JSON in the run folder, `key=value` on the command line."""

import dataclasses
import difflib
from collections.abc import Iterable, Iterator
from operator import attrgetter
from types import NoneType
from typing import Any, get_args, get_type_hints

import msgspec

from boxmask.errors import ConfigError
from boxmask.train.recipe import TrainConfig, check_recipe

_PLAIN = TrainConfig()


def to_json(config: TrainConfig) -> str:
    """Write a recipe as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(config), indent=2).decode() + "\n"


def from_json(text: str | bytes) -> TrainConfig:
    """Read a recipe that `to_json` wrote."""
    try:
        return msgspec.json.decode(text, type=TrainConfig)
    except msgspec.DecodeError as error:
        raise ConfigError(f"this is not a training recipe: {error}.") from None


def option_names() -> list[str]:
    """Name every field of a recipe as `--set` spells it."""
    return list(_names(_PLAIN))


def differences(before: TrainConfig, now: TrainConfig) -> list[str]:
    """Say which fields of a recipe have other values than before, as `--set` spells them."""
    # Not by msgspec, which writes no field that what it has read lacked.
    pairs = ((name, *(attrgetter(name)(one) for one in (before, now))) for name in option_names())
    return [f"{name} was {_text(a)}, is now {_text(b)}" for name, a, b in pairs if a != b]


def override(config: TrainConfig, changes: Iterable[str]) -> TrainConfig:
    """Apply `key=value` texts; values have JSON's spelling, quotes may be left out.

    What does not go together is an error only once all are applied, whatever their order.
    """
    settings = msgspec.to_builtins(config)
    for change in changes:
        _check_value(config, change)
        _apply(settings, change)
    changed = _convert(settings)
    check_recipe(changed)
    return changed


def _check_value(config: TrainConfig, change: str) -> None:
    """Raise a ConfigError for a value that its field can never have."""
    settings = msgspec.to_builtins(config)
    _apply(settings, change)
    try:
        _convert(settings)
    except msgspec.ValidationError as error:
        raise ConfigError(f"--set {change}: {error}.") from None
    except ConfigError:
        pass  # fields that do not go together: another change may mend that


def _convert(settings: dict[str, Any]) -> TrainConfig:
    return msgspec.convert(settings, TrainConfig, strict=False)


def _apply(settings: dict[str, Any], change: str) -> None:
    key, equals, text = change.partition("=")
    if not equals:
        raise ConfigError(f"--set {change}: write KEY=VALUE, as in --set optimiser.lr=0.001.")
    _place(settings, key.strip(), text.strip())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _names(config: Any, prefix: str = "") -> Iterator[str]:
    for entry in dataclasses.fields(config):
        value = getattr(config, entry.name)
        if dataclasses.is_dataclass(value):
            yield from _names(value, f"{prefix}{entry.name}.")
        else:
            yield prefix + entry.name


def _value(text: str, owner: type, name: str) -> Any:
    """Read the value of a field; none is null where the field may be that, else the word."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        nullable = NoneType in get_args(get_type_hints(owner)[name])
        return None if nullable and text.lower() == "none" else text


def _place(settings: dict[str, Any], key: str, text: str) -> None:
    """Put a value where a dotted key points; only fields that exist can be named."""
    if key not in option_names():
        close = difflib.get_close_matches(key, option_names(), n=3)
        hint = f" Did you mean {' or '.join(close)}?" if close else ""
        known = ", ".join(sorted(option_names()))
        raise ConfigError(f"--set {key}: no such option.{hint} Known are {known}.")
    *groups, name = key.split(".")
    owner = type(attrgetter(".".join(groups))(_PLAIN) if groups else _PLAIN)
    for group in groups:
        settings = settings[group]
    settings[name] = _value(text, owner, name)
