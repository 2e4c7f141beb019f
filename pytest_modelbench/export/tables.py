"""Rows as CSV, JSON lines and Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.export.cells import safe_cell
from pytest_modelbench.export.rows import COLUMNS, Row

NEEDS_PYARROW = 'Parquet needs pyarrow, which is not installed: pip install "pyarrow>=14"'


def csv_text(rows: Iterable[Row]) -> str:
    """Titles, then a line a row; no text in it begins like a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([safe_cell(row[name]) for name in COLUMNS] for row in rows)
    return text.getvalue()


def jsonl_text(rows: Iterable[Row]) -> str:
    """A JSON object a line; `params` is an object in it."""
    return "".join(
        json.dumps(row | {"params": json.loads(row["params"])}, ensure_ascii=False) + "\n"
        for row in rows
    )


def write_parquet(rows: Iterable[Row], file: Path) -> None:
    """Types as in the run; timestamps as such. Raises `ModelbenchError` without pyarrow."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ModelbenchError(NEEDS_PYARROW) from None
    texts = dict.fromkeys(COLUMNS, pyarrow.string())
    numbers = dict.fromkeys(("value", "low", "high"), pyarrow.float64())
    others = {
        "timestamp": pyarrow.timestamp("ms", tz="UTC"),
        "git_dirty": pyarrow.bool_(),
        "samples": pyarrow.int64(),
    }
    schema = pyarrow.schema(list((texts | numbers | others).items()))
    typed = [row | {"timestamp": datetime.fromisoformat(row["timestamp"])} for row in rows]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(typed, schema=schema), file)
