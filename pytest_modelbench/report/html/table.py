"""Tables that are whole without scripts; with them they sort, and rows of cases can be filtered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pytest_modelbench.catalogue import CATALOGUE, Better
from pytest_modelbench.report.columns import heading
from pytest_modelbench.report.html.markup import Child, Markup, joined, tag


@dataclass(frozen=True)
class Column:
    """A column's title and what its cells are."""

    title: str
    is_number: bool = False
    metric: str | None = None
    """The metric by which the page's data knows the column's figures."""
    better: Better | None = None
    hint: str = ""
    """What the title means, where that needs saying."""


@dataclass(frozen=True)
class Row:
    """Cells, of which the one in the table's column of names is the row's title."""

    cells: Sequence[Child]
    case: int | None = None
    """The number of the case that the row is about."""


def metric_title(name: str, unit: str) -> str:
    """What a metric is called, with its unit: the names of those in the catalogue say it."""
    title = heading(name)
    return f"{title} {unit}".rstrip() if name not in CATALOGUE else title


def metric_column(name: str, better: Better | None, unit: str = "") -> Column:
    """A metric's column."""
    info, title = CATALOGUE.get(name), metric_title(name, unit)
    hint = f"{name}: {info.definition}" if info else name
    return Column(title, is_number=True, metric=name, better=better, hint=hint)


def table(
    caption: str, columns: Sequence[Column], rows: Iterable[Row], *, names: int = 0, kind: str = ""
) -> Markup:
    """A table that scrolls sideways by itself; column `names` has the titles of the rows."""
    numbers = [column.is_number for column in columns]
    body = [_row(row, numbers, names) for row in rows]
    inner = tag(
        "table",
        tag("caption", caption),
        tag("thead", tag("tr", map(_head, columns))),
        tag("tbody", body),
        class_=f"sortable {kind}".rstrip(),
    )
    return tag("div", inner, class_="scroll", role="region", aria_label=caption, tabindex=0)


def _head(column: Column) -> Markup:
    better = None
    if column.better:
        better = tag("span", f" {column.better} is better", class_="better")
    return tag(
        "th",
        column.title,
        better,
        scope="col",
        class_="number" if column.is_number else None,
        data_metric=column.metric,
        data_better=column.better,
        title=column.hint or None,
    )


def _row(row: Row, numbers: Sequence[bool], names: int) -> Markup:
    cells = (
        tag("th", cell, scope="row") if index == names else _cell(cell, is_number=numbers[index])
        for index, cell in enumerate(row.cells)
    )
    return tag("tr", cells, data_case=row.case)


def _cell(cell: Child, *, is_number: bool) -> Markup:
    """Most cells are numbers, so it is the others that say what they are."""
    if isinstance(cell, Markup) and cell.startswith("<td"):
        return cell
    return tag("td", cell, class_=None if is_number else "words")


def folded(summary: str, *children: Child, kind: str = "", id_: str | None = None) -> Markup:
    """What a reader opens when it is wanted."""
    return tag("details", tag("summary", summary), joined(*children), class_=kind or None, id=id_)
