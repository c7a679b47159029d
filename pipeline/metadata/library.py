"""The store as ml_metadata's library has it: to write it, or to read what it models.

MySQL and SQLite take whatever the library is given. On PostgreSQL its wheels put a text
with a backslash into SQL unquoted, which fails or worse, and index whole texts, which
fails from 2.7 kB on. There such a text is kept as what MLMD has for larger things, a
protocol buffer (google.protobuf.StringValue), and comes back as the text that it was.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from google.protobuf import message as protobuf
from google.protobuf import wrappers_pb2
from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2 as mlmd

from pipeline.config import metadata as metadata_config
from pipeline.config.metadata import Address
from pipeline.errors import StoreAway, UsageError
from pipeline.metadata import connections

_LONGEST = 2000
"""Bytes; with the property's name the row of an index stays below 2,704."""


_IDLE_S = 30.0
"""After that the next question makes a new connection."""


def opened(uri: str, *, read_only: bool = False) -> metadata_store.MetadataStore:
    """Opens the store; an empty one becomes MLMD's.

    Args:
      uri: of the configuration's `store`.
      read_only: of an SQLite file; a server knows what its users may.

    Raises:
      UsageError: it is something else's, of another schema version, or read-only.
      BusyError: somebody else has locked it.
      StoreAway: its server does not answer now.
    """
    if not metadata_config.is_server(uri):
        connections.roll_back(uri)
        return metadata_store.MetadataStore(_file(uri, read_only))
    address = metadata_config.address(uri)
    kind = {"mysql": _Server, "postgresql": _PostgreSQL}[address.scheme]
    with connections.reserved(uri):
        return kind(address)


def context(store: metadata_store.MetadataStore, type_name: str, name: str) -> int:
    """Id of that context, which is made when it is not there."""
    known = store.get_context_by_type_and_name(type_name, name)
    if known:
        return int(known.id)
    type_id = store.put_context_type(
        mlmd.ContextType(name=type_name), can_omit_fields=True
    )
    [made] = store.put_contexts([mlmd.Context(type_id=type_id, name=name)])
    return int(made)


def upgrade(uri: str) -> None:
    """Brings an older store to this library's schema, for good: keep a copy.

    Nothing here calls it; a person does (docs/lineage.md, 'An older store').

    Raises:
      UsageError: of PostgreSQL, whose times the library's migration cannot hold. It
        knows PostgreSQL only since the schema of today.
      RuntimeError: in ml_metadata's words; then nothing was changed.
    """
    config = _file(uri, False)
    if metadata_config.is_server(uri):
        address = metadata_config.address(uri)
        if address.scheme == "postgresql":
            raise UsageError(f"{address}: ml_metadata cannot upgrade PostgreSQL")
        config = connection(address)
    metadata_store.MetadataStore(config, enable_upgrade_migration=True)


def connection(address: Address) -> mlmd.ConnectionConfig:
    """What the library connects with. It holds the password: never print it."""
    config = mlmd.ConnectionConfig()
    secret = connections.password(address)
    if address.scheme == "mysql":
        mysql = config.mysql
        mysql.user, mysql.password = address.user, secret
        mysql.database = address.database
        if address.socket:
            mysql.socket = address.socket
        else:
            mysql.host, mysql.port = address.host, address.port
        return config
    postgresql = config.postgresql
    postgresql.user, postgresql.password = address.user, secret
    postgresql.dbname = address.database
    postgresql.host, postgresql.port = address.host, str(address.port)
    if address.socket:  # its name is FOLDER/.s.PGSQL.PORT
        postgresql.host = address.socket.rpartition("/")[0]
    return config


def _file(path: str, read_only: bool) -> mlmd.ConnectionConfig:
    config = mlmd.ConnectionConfig()
    config.sqlite.filename_uri = path
    if read_only:
        config.sqlite.connection_mode = mlmd.SqliteMetadataSourceConfig.READONLY
    return config


class _Server(metadata_store.MetadataStore):
    """MLMD on a server; a connection that idled through a training may be dead."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._connect()

    def _connect(self) -> None:
        try:
            super().__init__(connection(self._address))
        except RuntimeError as error:
            words = f"{self._address}: ml_metadata cannot connect: {error}"
            raise StoreAway(f"{words.strip()}. Try again later") from None
        self._used = time.monotonic()

    def _call(
        self, method_name: str, request: Any, response: Any, extra_options: Any = None
    ) -> Any:
        if time.monotonic() - self._used > _IDLE_S:
            self._connect()
        found = super()._call(method_name, request, response, extra_options)
        self._used = time.monotonic()
        return found


class _PostgreSQL(_Server):
    """The same for texts of any length with any character."""

    def _call(
        self, method_name: str, request: Any, response: Any, extra_options: Any = None
    ) -> Any:
        for properties in _properties(request):
            for value in properties.values():
                _pack(value)
        _require_quotable(request)
        found = super()._call(method_name, request, response, extra_options)
        for properties in _properties(response):
            for value in properties.values():
                _unpack(value)
        return found


_OWNERS = (mlmd.Artifact, mlmd.Execution, mlmd.Context)


def _properties(message: protobuf.Message) -> Iterator[Any]:
    """The maps of custom properties in a request or an answer."""
    if isinstance(message, _OWNERS):
        yield message.custom_properties
        return
    for child in _children(message):
        yield from _properties(child)


def _children(message: protobuf.Message) -> Iterator[protobuf.Message]:
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        yield from value if field.is_repeated else (value,)


def _pack(value: mlmd.Value) -> None:
    text = value.string_value
    unsafe = "\\" in text or "\0" in text or len(text.encode()) > _LONGEST
    if value.HasField("string_value") and unsafe:
        value.proto_value.Pack(wrappers_pb2.StringValue(value=text))


def _unpack(value: mlmd.Value) -> None:
    text = wrappers_pb2.StringValue()
    if value.HasField("proto_value") and value.proto_value.Unpack(text):
        value.string_value = text.value


def _require_quotable(message: protobuf.Message) -> None:
    """Names, URIs and keys stay texts; the library would run a part of them as SQL."""
    for text in _texts(message):
        if "\\" in text or "\0" in text:
            raise UsageError(
                f"PostgreSQL's ml_metadata cannot hold a backslash in a name or URI: "
                f"{text[:200]!r}. Rename it, or record in MySQL or SQLite"
            )


def _texts(message: protobuf.Message) -> Iterator[str]:
    for field, value in message.ListFields():
        if field.type == field.TYPE_STRING:
            yield from value if field.is_repeated else (value,)
    if isinstance(message, _OWNERS):
        yield from message.custom_properties
        yield from (value.string_value for value in message.properties.values())
    for child in _children(message):
        yield from _texts(child)
