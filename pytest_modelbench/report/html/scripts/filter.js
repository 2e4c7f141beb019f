// One filter for all rows, blocks and points of cases.
const wanted = { text: "", suite: "", state: "", model: "", device: "" };

function isWanted(number) {
  const one = data.cases[number];
  const words = wanted.text.toLowerCase().split(/\s+/).filter(Boolean);
  const text = [one.name, data.suites[one.suite], one.model, one.device, one.state].join(" ").toLowerCase();
  return (
    words.every((word) => text.includes(word)) &&
    (wanted.suite === "" || one.suite === Number(wanted.suite)) &&
    ["state", "model", "device"].every((field) => wanted[field] === "" || one[field] === wanted[field])
  );
}

function filterCases() {
  const found = data.cases.map((_, number) => isWanted(number));
  for (const one of all("tr[data-case], details[data-case]")) one.hidden = !found[Number(one.dataset.case)];
  const text = `${found.filter(Boolean).length} of ${counted(data.cases.length, "case")} shown`;
  byId("filter-status").textContent = text;
  redraw("tradeoffs");
  redraw("phases");
}

const shownCases = () => data.cases.map((_, number) => number).filter(isWanted);

/** A choice among the values that a field of the cases has; none for a single one. */
function fieldFilter(field, label, options) {
  if (options.length < 2) return null;
  return choice(label, [["", "all"], ...options], "", (value) => {
    wanted[field] = value;
    filterCases();
  });
}

function startFilter() {
  if (data.cases.length < 2) return;
  const values = (field) => [...new Set(data.cases.map((one) => one[field]))].sort().map((one) => [one, one]);
  const text = element("input", { type: "search", placeholder: "name, model, state ..." });
  text.addEventListener("input", () => {
    wanted.text = text.value;
    filterCases();
  });
  const form = element(
    "form",
    { role: "search", "aria-label": "Filter cases", class: "controls", onsubmit: (event) => event.preventDefault() },
    element("label", {}, "Cases with ", text),
    fieldFilter("suite", "Suite", data.suites.map((name, number) => [String(number), name])),
    fieldFilter("state", "State", values("state")),
    fieldFilter("device", "Device", values("device")),
    fieldFilter("model", "Model", values("model")),
    element("output", { id: "filter-status", class: "status" }),
  );
  byId("filter").append(form);
  filterCases();
}
