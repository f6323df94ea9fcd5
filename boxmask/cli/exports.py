"""The options of exports: one for each row of EXPORTS, and those of ExportOptions."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, get_origin, get_type_hints

import typer

from boxmask.export import EXPORTS, ExportOptions, flag
from boxmask.remote import Folder, folder_of


def with_export_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that takes **exports an option of its own for each of them."""
    signature = inspect.signature(command)
    own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    setattr(command, "__signature__", signature.replace(parameters=[*own, *_parameters()]))  # noqa: B010
    command.__annotations__ |= {p.name: p.annotation for p in _parameters()}
    return command


def chosen_exports(given: Mapping[str, Any]) -> dict[str, Folder]:
    """Return the place of each export that was asked for, a path or a URL."""
    return {name: folder_of(given[name]) for name in EXPORTS if given.get(name) is not None}


def chosen_options(given: Mapping[str, Any]) -> ExportOptions:
    """Return the options of exports."""
    names = {field.name for field in dataclasses.fields(ExportOptions)}
    return ExportOptions(**{name: given[name] for name in names & given.keys()})


def _parameters() -> list[inspect.Parameter]:
    keyword, types = inspect.Parameter.KEYWORD_ONLY, get_type_hints(ExportOptions)
    parameters = []
    for name, row in EXPORTS.items():
        place: Any = Annotated[str | None, typer.Option(metavar="PATH", help=row.help)]
        parameters.append(inspect.Parameter(name, keyword, default=None, annotation=place))
    for field in dataclasses.fields(ExportOptions):
        flags = (flag(field.name),) if types[field.name] is bool else ()
        metavar = "HOW" if get_origin(types[field.name]) is Literal else None
        option = typer.Option(*flags, help=field.metadata["help"], metavar=metavar)
        kind: Any = Annotated[types[field.name], option]
        parameters.append(
            inspect.Parameter(field.name, keyword, default=field.default, annotation=kind)
        )
    return parameters
