// Tables sort by any column, by click and by key; a line in a cell shows where its interval lies.
const isMissing = (value) => value === null || Number.isNaN(value) || value === "";

function cellValue(row, head, index) {
  const cell = row.cells[index];
  if (head.dataset.metric && row.dataset.case !== undefined) {
    const found = figure(Number(row.dataset.case), head.dataset.metric);
    return found === null ? null : found[0];
  }
  if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
  const text = cell.textContent.trim();
  return head.classList.contains("number") ? Number.parseFloat(text) : text;
}

/** What is missing comes last, whichever way the rest goes. */
function compare(one, other, sign) {
  if (isMissing(one) || isMissing(other)) return Number(isMissing(one)) - Number(isMissing(other));
  if (typeof one === "number" && typeof other === "number") return sign * (one - other);
  return sign * String(one).localeCompare(String(other), "en", { numeric: true });
}

function sortBy(table, head, title) {
  const index = head.cellIndex;
  const first = head.dataset.better === "higher" ? "descending" : "ascending";
  const other = first === "ascending" ? "descending" : "ascending";
  const way = head.getAttribute("aria-sort") === first ? other : first;
  for (const one of all("th[aria-sort]", table)) one.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", way);
  const body = table.tBodies[0];
  const keyed = [...body.rows].map((row) => [cellValue(row, head, index), row]);
  keyed.sort(([one], [next]) => compare(one, next, way === "ascending" ? 1 : -1));
  body.append(...keyed.map(([, row]) => row));
  say(`sorted by ${title}, ${way}`);
}

function makeSortable(table) {
  for (const head of table.tHead.rows[0].cells) {
    const title = head.firstChild ? head.firstChild.textContent : "";
    const button = element("button", { type: "button", class: "sort", onclick: () => sortBy(table, head, title) });
    button.append(...head.childNodes);
    head.append(button);
  }
}

/** A scale from the lowest to the highest that a column has, by factors where it spans many. */
function scaleOf(found) {
  const ends = found.flat().filter((one) => one !== null);
  let [low, high] = [Math.min(...ends), Math.max(...ends)];
  const isLog = low > 0 && high / low > 30;
  const place = isLog ? Math.log : (one) => one;
  [low, high] = [place(low), place(high)];
  return high > low ? (one) => (100 * (place(one) - low)) / (high - low) : () => 50;
}

/** Below each figure of a leaderboard: a line for its interval, and a dot for itself. */
function drawIntervals(table) {
  for (const head of all("th[data-metric]", table)) {
    const cells = [...table.tBodies[0].rows].map((row) => [
      row.cells[head.cellIndex],
      figure(Number(row.dataset.case), head.dataset.metric),
    ]);
    const having = cells.filter(([, found]) => found !== null);
    if (having.length < 2) continue;
    const place = scaleOf(having.map(([, found]) => found));
    for (const [cell, [value, low = value, high = value]] of having) {
      const line = element("span", { class: "whole" });
      const [from, to] = [low === null ? 0 : place(low), high === null ? 100 : place(high)];
      line.style.setProperty("--from", `${from}%`);
      line.style.setProperty("--width", `${Math.max(0, to - from)}%`);
      line.style.setProperty("--at", `${place(value)}%`);
      cell.append(element("span", { class: "whisker", "aria-hidden": "true" }, line));
    }
  }
}

function startTables() {
  for (const table of all("table.sortable")) makeSortable(table);
  for (const table of all("table.board")) drawIntervals(table);
}
