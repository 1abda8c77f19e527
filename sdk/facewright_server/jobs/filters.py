"""The filter of ListOperations: a small, exact part of AIP-160.

    filter     = term { "AND" term }
    term       = [ "NOT" ] field ( "=" | "!=" ) value
    done             = true | false
    name             = operations/ID, or a beginning of it and *
    metadata.@type   = a message, with or without type.googleapis.com/ before it

Source: AIP-160 (filtering) and AIP-151 (operations). What is not in this grammar is refused, never guessed.
"""

import re
from collections.abc import Iterable
from dataclasses import replace

from facewright_server.errors import InvalidRequestError
from facewright_server.jobs.kinds import JobKind
from facewright_server.jobs.store import OperationQuery

__all__ = ["MAX_FILTER_CHARS", "read_filter"]

MAX_FILTER_CHARS = 1000
_TYPE_PREFIX = "type.googleapis.com/"
_HELP = (
    'expected terms such as done = true, metadata.@type = "facewright.v1.BatchFitMetadata" or '
    'name = "operations/ab*", joined by AND'
)
_TOKEN = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|(!=|=)|([^\s"=!()]+))')


def read_filter(text: str, kinds: Iterable[JobKind]) -> OperationQuery:
    """Raises `InvalidRequestError` that names what was not understood."""
    if len(text) > MAX_FILTER_CHARS:
        raise _refusal(f"the filter has {len(text)} characters; expected at most {MAX_FILTER_CHARS}")
    tokens = _tokens(text)
    query = OperationQuery()
    while tokens:
        is_negated = _take_word(tokens, "NOT")
        if len(tokens) < 3 or tokens[1] not in (("sign", "="), ("sign", "!=")):
            raise _refusal(f"the filter {text!r} cannot be read at {_shown(tokens)}; {_HELP}")
        (_, field), (_, sign), (_, value) = tokens[:3]
        del tokens[:3]
        query = _with_term(query, field, value, is_equal=(sign == "=") != is_negated, kinds=kinds)
        if tokens and not (_take_word(tokens, "AND") and tokens):
            raise _refusal(f"the filter {text!r} cannot be read at {_shown(tokens)}; {_HELP}")
    return query


def _with_term(
    query: OperationQuery, field: str, value: str, *, is_equal: bool, kinds: Iterable[JobKind]
) -> OperationQuery:
    if field == "done":
        if value not in ("true", "false"):
            raise _refusal(f"done is compared with {value!r}; expected true or false")
        wanted = (value == "true") == is_equal
        if query.done is not None and query.done != wanted:
            return replace(query, kinds=frozenset())  # done and not done: nothing is
        return replace(query, done=wanted)
    if field == "metadata.@type":
        full_name = value.removeprefix(_TYPE_PREFIX)
        named = frozenset(kind.name for kind in kinds if kind.metadata_type == full_name)
        if not is_equal:
            return replace(query, without_kinds=query.without_kinds | named)
        return replace(query, kinds=named if query.kinds is None else query.kinds & named)
    if field == "name":
        if not is_equal or query.name_pattern is not None or "*" in value[:-1]:
            raise _refusal(f"name can be compared once, with = and at most one * at the end; got {value!r}")
        return replace(query, name_pattern=value)
    raise _refusal(f"the filter compares {field!r}; expected done, name or metadata.@type")


def _tokens(text: str) -> list[tuple[str, str]]:
    """(kind, text) where kind is word, text or sign."""
    tokens: list[tuple[str, str]] = []
    position = 0
    end = len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise _refusal(
                f"the filter has {text[position:].strip()[:40]!r}, which is not understood; {_HELP}"
            )
        quoted, sign, word = match.groups()
        if quoted is not None:
            tokens.append(("text", re.sub(r"\\(.)", r"\1", quoted)))
        elif sign is not None:
            tokens.append(("sign", sign))
        else:
            tokens.append(("word", word))
        position = match.end()
    return tokens


def _take_word(tokens: list[tuple[str, str]], word: str) -> bool:
    if tokens and tokens[0] == ("word", word):
        del tokens[0]
        return True
    return False


def _shown(tokens: list[tuple[str, str]]) -> str:
    return repr(tokens[0][1]) if tokens else "its end"


def _refusal(message: str) -> InvalidRequestError:
    return InvalidRequestError(message, field="filter")
