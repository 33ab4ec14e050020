"""What a template is given, as JSON that a handheld can be sent.

Dataclasses become objects of their fields and properties, rows objects of their columns. A function
is not data: a view that gives one away cannot be rendered on a handheld, and is refused here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import lru_cache
from typing import Any

import msgspec

from sync.sqlite import Row


class NotPlain(Exception):
    """A value that has no place in a page's data."""


@lru_cache
def _names(kind: type) -> tuple[str, ...]:
    named = [field.name for field in fields(kind)]
    derived = [name for cls in kind.__mro__ for name, made in vars(cls).items() if isinstance(made, property)]
    return (*named, *derived)


def plain(value: Any) -> Any:
    """`value` in objects, lists, texts, whole numbers, true, false and null."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, str | int):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, Row):
        return {key: plain(value[key]) for key in value.keys()}  # noqa: SIM118 (a Row is no Mapping)
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {name: plain(getattr(value, name)) for name in _names(type(value))}
    if isinstance(value, msgspec.Struct):
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    raise NotPlain(f"{type(value).__name__}: {value!r:.80}")
