"""The words of SQL a declared statement may use: kinds, dialects, and functions that compute and touch nothing else.

An allow-list, because a database's list of functions that read files, sleep, open connections or change settings is
long and grows. SQLite's authorizer is held to the same list at run time.
"""

from __future__ import annotations

from typing import Literal

Dialect = Literal["sqlite", "postgres"]
Kind = Literal["select", "insert", "update", "delete"]

_NUMBERS = "abs ceil ceiling floor greatest least max min mod power round sign sqrt trunc"
_TEXTS = (
    "char_length concat concat_ws instr left length like lower lpad ltrim printf replace right rpad rtrim split_part "
    "starts_with substr substring to_char trim unicode upper"
)
_TIMES = (
    "age current_date current_time current_timestamp date date_part date_trunc datetime extract julianday make_date "
    "now strftime time to_date to_timestamp"
)
_CHOICES = "cast coalesce ifnull iif nullif typeof unixepoch"
_AGGREGATES = "array_agg avg bool_and bool_or count every group_concat string_agg sum total"
_WINDOWS = "cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank row_number"
_JSON = (
    "json_array json_array_length json_extract json_extract_path_text json_object json_type json_valid "
    "jsonb_extract_path_text"
)
_KEYWORDS = (
    "all and any as between by case char conflict decimal distinct else except exists filter from group having in "
    "intersect interval is join limit materialized not numeric offset on or order over partition recursive returning "
    "select set some then union using values varchar when where with within"
)

RESERVED = frozenset({"action_id", "agent"})
"""Parameters the gate fills in; no argument may have these names."""

FUNCTIONS = frozenset(" ".join((_NUMBERS, _TEXTS, _TIMES, _CHOICES, _AGGREGATES, _WINDOWS, _JSON)).split())

KEYWORDS = frozenset(_KEYWORDS.split())
"""Words that may stand before a bracket without calling anything; types that take a length are among them."""
