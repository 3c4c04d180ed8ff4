"""What the engine's type checker needs to know of the variables: objects become protobuf messages, never instantiated.

CEL checks the fields of an object only where it is a message, so each object type is declared as one, `autonomy.T_N`.
Values stay JSON: they are evaluated in an environment without these declarations.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from cel_expr_python import cel

from .amounts import FUNCTIONS
from .types import ANY, Type

PACKAGE = "autonomy"

MAX_OBJECTS = 2_000  # object types in one set of variables; further ones are read as "anything"

_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_STRING, _BOOL, _INT64, _DOUBLE, _MESSAGE = 9, 8, 3, 1, 11  # google.protobuf.FieldDescriptorProto.Type
_SCALARS = {"boolean": _BOOL, "integer": _INT64, "number": _DOUBLE, "string": _STRING}
_WRAPPERS = {"boolean": "BoolValue", "integer": "Int64Value", "number": "DoubleValue", "string": "StringValue"}
_VALUE = ".google.protobuf.Value"
_STRUCT = ".google.protobuf.Struct"


@dataclass(frozen=True, slots=True)
class Checker:
    """An environment that checks, and the object types in it by the number in their name."""

    environment: Any
    objects: Sequence[Type]


@lru_cache(maxsize=256)
def checker(variables: tuple[tuple[str, Type], ...]) -> Checker:
    """The checker for these variables."""
    if not any(_has_message(kind) for _, kind in variables):
        declared = {name: _Objects().of_variable(kind) for name, kind in variables}
        return Checker(cel.NewEnv(variables=declared, extensions=[FUNCTIONS]), ())
    objects = _Objects()
    declared = {name: objects.of_variable(kind) for name, kind in variables}
    pool = _pool(objects)
    return Checker(cel.NewEnv(descriptor_pool=pool, variables=declared, extensions=[FUNCTIONS]), objects.types)


def _has_message(kind: Type) -> bool:
    inner = (kind.items, kind.values)
    return kind.fields is not None or any(_has_message(one) for one in inner if one is not None)


class _Objects:
    """The object types met so far, each once."""

    def __init__(self) -> None:
        self.types: list[Type] = []
        self._numbers: dict[Type, int] = {}

    def of_variable(self, kind: Type) -> Any:
        """The type as the engine writes it."""
        if kind.kind == "array":
            return cel.Type.DYN if kind.nullable else cel.Type.List(self.of_variable(kind.items or ANY))
        if kind.kind == "object":
            return self._of_object(kind)
        if kind.nullable and kind.kind in _WRAPPERS:
            return cel.Type(f"google.protobuf.{_WRAPPERS[kind.kind]}")
        return _PLAIN.get(kind.kind, cel.Type.DYN)

    def _of_object(self, kind: Type) -> Any:
        if (name := self.name(kind)) is not None:
            return cel.Type(name)
        if kind.nullable:
            return cel.Type.DYN
        return cel.Type.Map(cel.Type.STRING, self.of_variable(kind.values or ANY))

    def name(self, kind: Type) -> str | None:
        """The message for an object with known fields; None for one without, or whose names no message can have."""
        if kind.fields is None or not all(_FIELD.fullmatch(name) for name in kind.members):
            return None
        plain = replace(kind, nullable=False)
        if plain not in self._numbers:
            if len(self.types) >= MAX_OBJECTS:
                return None
            self._numbers[plain] = len(self.types)
            self.types.append(plain)
        return f"{PACKAGE}.T_{self._numbers[plain]}"


_PLAIN = {
    "null": cel.Type.NULL,
    "boolean": cel.Type.BOOL,
    "integer": cel.Type.INT,
    "number": cel.Type.DOUBLE,
    "string": cel.Type.STRING,
    "timestamp": cel.Type.TIMESTAMP,
    "duration": cel.Type.DURATION,
}


def _pool(objects: _Objects) -> Any:
    """A descriptor pool with a message for each object type."""
    # Only checking needs protobuf, and checking happens at apply: serving stays light without its nine megabytes.
    from google.protobuf import (  # noqa: PLC0415
        descriptor_pb2,
        descriptor_pool,
        duration_pb2,
        struct_pb2,
        timestamp_pb2,
        wrappers_pb2,
    )

    known = (duration_pb2, struct_pb2, timestamp_pb2, wrappers_pb2)
    pool = descriptor_pool.DescriptorPool()
    for module in known:
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    file = descriptor_pb2.FileDescriptorProto(name="autonomy.proto", package=PACKAGE, syntax="proto3")
    file.dependency.extend(module.DESCRIPTOR.name for module in known)
    done = 0
    while done < len(objects.types):  # describing one may name further ones
        message = file.message_type.add(name=f"T_{done}")
        for number, (name, kind) in enumerate(objects.types[done].members.items(), 1):
            field = message.field.add(name=name, json_name=f"f{number}", number=number)
            _describe(field, kind, objects)
        done += 1
    pool.AddSerializedFile(file.SerializeToString())
    return pool


def _describe(field: Any, kind: Type, objects: _Objects) -> None:
    """Write into `field` what stands under it."""
    repeated = kind.kind == "array" and not kind.nullable
    field.label = 3 if repeated else 1
    _singular(field, (kind.items or ANY) if repeated else kind, objects)


def _singular(field: Any, kind: Type, objects: _Objects) -> None:
    if kind.kind in _SCALARS and not kind.nullable:
        field.type = _SCALARS[kind.kind]
        return
    field.type = _MESSAGE
    if kind.kind == "object" and (name := objects.name(kind)):
        field.type_name = f".{name}"
    elif kind.kind == "object" and not kind.nullable:
        field.type_name = _STRUCT
    elif kind.kind in _WRAPPERS:
        field.type_name = f".google.protobuf.{_WRAPPERS[kind.kind]}"
    elif kind.kind in ("timestamp", "duration"):
        field.type_name = f".google.protobuf.{kind.kind.capitalize()}"
    else:
        field.type_name = _VALUE
