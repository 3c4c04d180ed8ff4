"""What tools take from the documents of their connectors. Pure: an organisation in, operations and problems out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid

from .model import Call, ConnectorSpec, FactSpec, ToolSpec
from .openapi import Operation
from .organisation import Organisation, Revision, spec
from .problem import Problem, about, nearest
from .services import OpenApiConnector, OperationCall


def operation_of(organisation: Organisation, connector: str, wanted: str) -> Operation:
    """The operation `wanted` of the connector's document. Raises Invalid (`openapi.*`)."""
    found = organisation.get("Connector", connector)
    use = spec(found, ConnectorSpec).use if found else None
    if not isinstance(use, OpenApiConnector):
        raise Invalid(f"the connector `{connector}` has no document", code="openapi.operation")
    return use.described.operation(wanted)


def input_of(organisation: Organisation, revision: Revision) -> Mapping[str, Json]:
    """The JSON Schema of a tool's arguments: as declared, else as the document has it. Raises Invalid (`openapi.*`)."""
    declared = spec(revision, ToolSpec)
    called = declared.call.operation_call
    if declared.input is not None:
        return declared.input
    assert called is not None  # a tool without input calls an operation
    return offered(operation_of(organisation, declared.connector, called.id), called)


def offered(operation: Operation, called: OperationCall) -> dict[str, Json]:
    """The operation's input without what agents do not decide."""
    taken = {*called.fill, *called.fixed, *_moving(operation, called)}
    schema = dict(operation.input)
    schema["properties"] = {name: one for name, one in schema["properties"].items() if name not in taken}
    required = [name for name in schema.pop("required", ()) if name not in taken]
    dependent = {
        name: [one for one in needed if one not in taken]
        for name, needed in schema.pop("dependentRequired", {}).items()
        if name not in taken
    }
    return (
        schema | ({"required": required} if required else {}) | ({"dependentRequired": dependent} if dependent else {})
    )


def wording_of(organisation: Organisation, revision: Revision) -> str:
    """The digest by which a tool is pinned: of its manifest and, where it calls operations, of those as documents
    have them now. Raises Invalid (`openapi.*`)."""
    found = [
        operation_of(organisation, connector, called.id).digest
        for _, connector, called in called_operations(spec(revision, ToolSpec))
    ]
    return canonical.digest([revision.digest, *found]) if found else revision.digest


def called_operations(declared: ToolSpec) -> Iterator[tuple[str, str, OperationCall]]:
    """Every operation a tool calls: the field that says so, the connector, the call."""
    asked: list[tuple[str, str | None, Call | FactSpec | None]] = [
        ("spec.call", None, declared.call),
        ("spec.reconcile", None, declared.reconcile),
        *((field, fact.connector, fact) for field, fact in declared.lookups),
    ]
    for field, connector, call in asked:
        if call is not None and (called := call.operation_call) is not None:
            yield f"{field}.operation", connector or declared.connector, called


def unknown_operations(organisation: Organisation) -> Iterator[Problem]:
    """Documents that are none, and operations that they do not have or that cannot be called."""
    for revision in organisation.all("Connector").values():
        use = spec(revision, ConnectorSpec).use
        if isinstance(use, OpenApiConnector):
            yield from _document_problems(revision, use)
    for revision in organisation.all("Tool").values():
        for field, connector, called in called_operations(spec(revision, ToolSpec)):
            yield from _operation_problems(organisation, revision, field, connector, called)


def _document_problems(revision: Revision, use: OpenApiConnector) -> Iterator[Problem]:
    try:
        use.described.operations()
    except Invalid as error:
        yield about(revision, "spec.use.document", error.message, error.hint)


def _operation_problems(
    organisation: Organisation, revision: Revision, field: str, connector: str, called: OperationCall
) -> Iterator[Problem]:
    found = organisation.get("Connector", connector)
    use = spec(found, ConnectorSpec).use if found else None
    if not isinstance(use, OpenApiConnector):
        if found is not None:  # where it is missing, that is said already
            yield about(revision, field, f"the connector `{connector}` has no document", "use one of type openapi")
        return
    try:
        use.described.operation(called.id)
    except Invalid as error:
        known = [] if error.code == "openapi.version" else [one.id for one in use.described.operations()]
        hint = nearest(called.id, known) if error.code == "openapi.operation" else error.hint
        yield about(revision, field, error.message, hint)


def _moving(operation: Operation, called: OperationCall) -> set[str]:
    """The argument that moves through pages, which nobody but us sends."""
    wanted = called.pagination.parameter if called.pagination else None
    return {one.argument for one in operation.parameters if one.where == "query" and one.name == wanted}
