// Two metrics against each other, a third as the size of the points, and the front.
const tradeoff = { suite: 0, x: "", y: "", size: "", isLog: false, countsAll: false };

/** Whether no other point is as good in everything and better in something. */
function onFront(points, better) {
  const cost = (point) => point.map((one, index) => (better[index] === "lower" ? one : -one));
  const costs = points.map(cost);
  const beats = (one, other) => one.every((a, i) => a <= other[i]) && one.some((a, i) => a < other[i]);
  return costs.map((mine) => !costs.some((other) => beats(other, mine)));
}

function tradeoffPoints() {
  const names = [tradeoff.x, tradeoff.y, ...(tradeoff.size ? [tradeoff.size] : [])];
  const needed = tradeoff.countsAll ? names : names.slice(0, 2);
  const points = shownCases()
    .filter((number) => data.cases[number].suite === tradeoff.suite)
    .filter((number) => needed.every((name) => figure(number, name)))
    .map((number) => ({ number, values: names.map((name) => figure(number, name)) }));
  const better = needed.map((name) => data.metrics[name].better);
  if (better.every(Boolean)) {
    const found = onFront(points.map(({ values }) => values.slice(0, needed.length).map(([value]) => value)), better);
    points.forEach((point, index) => (point.isFront = found[index]));
  }
  return { names, points, better };
}

function radius(value, values) {
  if (value === undefined) return 6;
  return 5 + 13 * Math.sqrt(Math.max(0, value) / Math.max(...values, 1e-12));
}

function buildTradeoffs(colour) {
  const { names, points, better } = tradeoffPoints();
  tradeoffTable(names, points);
  if (!points.length) return null;
  const sizes = points.map(({ values }) => values[2]?.[0]).filter((one) => one !== undefined);
  const devices = [...new Set(points.map(({ number }) => data.cases[number].device))];
  const sets = devices.map((device, index) => {
    const mine = points.filter(({ number }) => data.cases[number].device === device);
    const tint = colour.series[index % 8];
    return {
      label: device,
      type: "scatter",
      data: mine.map(({ number, values: [x, y], isFront }) => ({
        x: x[0], y: y[0], number, label: isFront && !isNarrow() ? short(data.cases[number].name, 28) : "",
        isFront,
        ofX: x.length > 1 ? x.slice(1) : null, ofY: y.length > 1 ? y.slice(1) : null,
      })),
      clip: 24,
      hasIntervals: true,
      intervalColour: faint(tint, 0.6),
      borderColor: mine.map(({ isFront }) => (isFront ? colour.ink : tint)),
      borderWidth: mine.map(({ isFront }) => (isFront ? 2.5 : 1)),
      backgroundColor: faint(tint, 0.45),
      pointStyle: POINTS[index % POINTS.length],
      radius: mine.map(({ values }) => radius(values[2]?.[0], sizes)),
      hoverRadius: mine.map(({ values }) => radius(values[2]?.[0], sizes) + 2),
    };
  });
  const front = points.filter(({ isFront }) => isFront).map(({ values: [x, y] }) => ({ x: x[0], y: y[0] }));
  front.sort((one, other) => one.x - other.x);
  if (front.length && !tradeoff.countsAll) sets.push(frontLine(colour, front, better[0]));
  const title = (item) => data.cases[item.raw.number].name;
  const told = ({ raw }) => [
    ...names.map((name) => `${titleOf(name)}: ${figure(raw.number, name) ? withInterval(figure(raw.number, name)) : "not measured"}`),
    ...(raw.isFront ? ["on the front"] : []),
  ];
  const drawn = sets.flatMap((set) => (set.hasIntervals ? set.data : []));
  const scale = (name, key, of, more) =>
    axis(colour, withDirection(titleOf(name), data.metrics[name].better), { ...reach(drawn, key, of, more.isLog), ...more });
  const scales = {
    x: scale(names[0], "x", "ofX", { isLog: tradeoff.isLog }),
    y: scale(names[1], "y", "ofY", {}),
  };
  const onIt = points.filter(({ isFront }) => isFront).map(({ number }) => data.cases[number].name);
  const size = names[2] ? ` Size: ${titleOf(names[2])}.` : "";
  const which = onIt.length ? ` On the front: ${onIt.slice(0, 8).join(", ")}${onIt.length > 8 ? ` and ${onIt.length - 8} more` : ""}.` : " There is no front, as nothing says which way is better.";
  return {
    settings: settings(colour, "scatter", sets, scales, { told, title, legend: devices.length > 1 }),
    words: `${counted(points.length, "case")}.${size}${which}`,
  };
}

function frontLine(colour, front, better) {
  return {
    label: "front", type: "line", data: front, isSilent: true, pointRadius: 0, pointHitRadius: 0,
    stepped: better === "lower" ? "before" : "after",
    borderColor: colour.accent, borderWidth: 2, borderDash: [6, 4],
  };
}

/** The same points as a table. */
function tradeoffTable(names, points) {
  const place = byId("points");
  const cell = (found) => element("td", {}, found ? shown(found[0]) : "-");
  const rows = points.map(({ number, values, isFront }) =>
    element(
      "tr", { "data-case": number },
      element("th", { scope: "row" }, element("a", { href: `#case-${number}` }, data.cases[number].name)),
      ...names.map((_, index) => cell(values[index])),
      element("td", { class: "words" }, isFront === undefined ? "-" : isFront ? "yes" : "no"),
    ),
  );
  const head = (title, attributes = {}) => element("th", { scope: "col", ...attributes }, title);
  const metric = (name) => head(titleOf(name), { class: "number", "data-metric": name, "data-better": data.metrics[name].better });
  const caption = `${data.suites[tradeoff.suite]}: ${names.slice(0, 2).map((name) => data.metrics[name].title).join(" against ")}`;
  const table = element(
    "table", { class: "sortable" },
    element("caption", {}, caption),
    element("thead", {}, element("tr", {}, head("case"), ...names.map(metric), head("on the front"))),
    element("tbody", {}, ...rows),
  );
  makeSortable(table);
  place.replaceChildren(element("div", { class: "scroll", role: "region", "aria-label": caption, tabindex: "0" }, table));
}

const casesOf = (suite) => [...data.cases.keys()].filter((number) => data.cases[number].suite === suite);

/** Metrics that cases of the chosen suite have. */
function tradeoffMetrics() {
  const mine = casesOf(tradeoff.suite);
  const names = Object.keys(data.metrics).filter((name) => mine.some((number) => figure(number, name)));
  return names.map((name) => [name, withDirection(titleOf(name), data.metrics[name].better)]);
}

function offerTradeoffs() {
  const metrics = tradeoffMetrics();
  const set = (field) => (value) => {
    tradeoff[field] = value;
    redraw("tradeoffs");
  };
  const suites = data.suites.map((name, number) => [String(number), name]).filter((_, number) => data.axes[number]);
  byId("tradeoffs-controls").replaceChildren(
    ...[
      suites.length > 1 ? choice("Suite", suites, String(tradeoff.suite), (value) => chooseSuite(Number(value))) : null,
      choice("Across", metrics, tradeoff.x, set("x")),
      choice("Up", metrics, tradeoff.y, set("y")),
      choice("Size", [["", "the same for all"], ...metrics], tradeoff.size, set("size")),
      tick("logarithmic across", tradeoff.isLog, set("isLog")),
      tick("size counts for the front", tradeoff.countsAll, set("countsAll")),
    ].filter(Boolean),
  );
}

function chooseSuite(number) {
  const { x, y, size } = data.axes[number];
  const values = casesOf(number).map((one) => figure(one, x)).filter(Boolean).map(([value]) => value);
  Object.assign(tradeoff, { suite: number, x, y, size: size || "", isLog: spansMuch(values) });
  offerTradeoffs();
  redraw("tradeoffs");
}

function startTradeoffs() {
  const first = data.axes.findIndex(Boolean);
  if (first < 0) return;
  drawing("tradeoffs", (colour) => (tradeoff.x ? buildTradeoffs(colour) : null));
  chooseSuite(first);
}
