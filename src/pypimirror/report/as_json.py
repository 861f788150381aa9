"""Values as JSON for people and machines."""

from typing import Any

import msgspec


def as_json(value: object) -> bytes:
    """Return a value as indented JSON with a line end; a named tuple is an object."""
    return msgspec.json.format(msgspec.json.encode(plain(value))) + b"\n"


def plain(value: Any) -> Any:
    """Return structs and named tuples as dictionaries, and what is in them, too."""
    if isinstance(value, msgspec.Struct):
        value = msgspec.structs.asdict(value)
    elif hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return value
