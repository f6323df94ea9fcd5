"""Turn the boxes of a dataset into instance masks.

Nothing is imported before it is used: `import boxmask` costs nothing.

>>> import boxmask
>>> predict = boxmask.load()
>>> predict("photo.jpg", [[134, 86, 203, 147]]).masks.shape
(1, 300, 451)
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from boxmask.version import __version__

if TYPE_CHECKING:
    from boxmask.errors import BoxmaskError
    from boxmask.front import annotate, check, detect, evaluate, read, train
    from boxmask.predict import Predictor, load
    from boxmask.predicted import PredictedMasks

__all__ = [
    "BoxmaskError",
    "PredictedMasks",
    "Predictor",
    "__version__",
    "annotate",
    "check",
    "detect",
    "evaluate",
    "load",
    "read",
    "train",
]

_HOMES = {
    "BoxmaskError": "boxmask.errors",
    "PredictedMasks": "boxmask.predicted",
    "Predictor": "boxmask.predict",
    "load": "boxmask.predict",
    "read": "boxmask.front",
}
_VERBS = ("annotate", "check", "detect", "evaluate", "train")  # packages and functions of one name


class _Verb(ModuleType):
    # A package that can be called, as the function of its name in boxmask.front.

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self._function(*arguments, **options)

    @property
    def _function(self) -> Any:
        return getattr(import_module("boxmask.front"), self.__name__.rpartition(".")[2])

    @property
    def __doc__(self) -> str:  # type: ignore[override]
        return str(self._function.__doc__)

    @property
    def __signature__(self) -> Any:
        return import_module("inspect").signature(self._function)


class _Front(ModuleType):
    # Whoever imports `boxmask.annotate.job` makes the package an attribute here: let it be called.

    def __setattr__(self, name: str, value: object) -> None:
        if name in _VERBS and isinstance(value, ModuleType):
            value.__class__ = _Verb
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Front

if not TYPE_CHECKING:  # else a misspelt name would be of any type

    def __getattr__(name: str) -> object:
        if name in _VERBS:
            return import_module(f"{__name__}.{name}")
        if name in _HOMES:
            return getattr(import_module(_HOMES[name]), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
