// A metric from run to run, with intervals; between machines the line is broken.
const past = { suite: 0, metric: 0, isRelative: false, picker: null };

const runTitle = (run) => [run.when, run.commit, run.branch].filter(Boolean).join(" · ");

/** Values as they are, or as changes since the first one in per cent, where that is wanted. */
function relative(values) {
  const first = values.find(Boolean)?.[0];
  if (!past.isRelative) return values;
  if (!first) return values.map(() => null);
  const change = (one) => (one === null ? null : 100 * (one / first - 1));
  return values.map((found) => found && found.map(change));
}

function buildHistory(colour) {
  const { runs, metrics, cases } = data.history[past.suite];
  const metric = metrics[past.metric];
  const chosen = past.picker.chosen();
  const isBroken = ({ p0, p1 }) => runs[p0.raw.run].machine !== runs[p1.raw.run].machine;
  const sets = chosen.map(({ key, slot, dash }, index) => {
    const tint = colour.series[slot];
    const nudge = (index - (chosen.length - 1) / 2) * 0.03; // so that intervals do not hide each other
    const points = relative(metric.values[key]).flatMap((found, run) =>
      found ? [{ x: run + nudge, run, y: found[0], found, ofY: found.length > 1 ? found.slice(1) : null }] : [],
    );
    return {
      label: cases[key], data: points, hasIntervals: true, intervalColour: faint(tint, 0.7), borderColor: tint, backgroundColor: tint,
      borderDash: dash, borderWidth: 2, pointStyle: POINTS[Math.floor(slot / 2) % POINTS.length], pointRadius: 5, pointHitRadius: 8,
      segment: { borderDash: (part) => (isBroken(part) ? [2, 6] : undefined) },
    };
  }).filter((set) => set.data.length);
  if (!sets.length) return null;
  const told = ({ raw, dataset }) => `${dataset.label}: ${withInterval(raw.found, past.isRelative ? "%" : metric.unit)}`;
  const label = (value) => {
    if (!Number.isInteger(value) || !runs[value]) return "";
    if (isNarrow()) return runs[value].commit || runs[value].when.slice(5, 10);
    return [runs[value].when.slice(5, 16), runs[value].commit].filter(Boolean);
  };
  const scales = {
    x: axis(colour, "", { min: -0.3, max: runs.length - 0.7, ticks: { stepSize: 1, callback: label } }),
    y: axis(colour, past.isRelative ? `${metric.title}: change in %` : withDirection(metric.title, metric.better), reach(sets.flatMap((set) => set.data), "y", "ofY")),
  };
  const machines = new Set(runs.map((run) => run.machine)).size;
  const words = sets.map(({ label: name, data: points }) => {
    const [first, last] = [points[0].y, points.at(-1).y];
    if (past.isRelative) return `${name}: ${percent(last)}`;
    const change = first ? ` (${percent(Number((100 * (last / first - 1)).toFixed(1)))})` : "";
    return `${name}: ${shown(first)} to ${shown(last)}${change}`;
  });
  return {
    settings: settings(colour, "line", sets, scales, { told, title: (item) => runTitle(runs[item.raw.run]), options: { interaction: { mode: "nearest", intersect: false } } }),
    words: `${counted(runs.length, "run")}${machines > 1 ? ` on ${machines} machines: where the machine changes, lines are broken` : ""}. From the first to the last: ${words.slice(0, 4).join("; ")}${words.length > 4 ? "; ..." : ""}`,
    more: words.slice(4).join("; "),
  };
}

function offerHistory() {
  const { suite, metrics, cases } = data.history[past.suite];
  const suites = data.history.map((one, number) => [String(number), one.suite]);
  past.metric = Math.max(0, metrics.findIndex(({ name }) => name === "p50_latency_ms"));
  past.picker = picker(cases.map((name, key) => [key, name]), [...cases.keys()].slice(0, 5), () => redraw("history"));
  const choices = [
    suites.length > 1 ? choice("Suite", suites, String(past.suite), (value) => {
      past.suite = Number(value);
      offerHistory();
      redraw("history");
    }) : null,
    choice("Metric", metrics.map(({ title, better }, number) => [String(number), withDirection(title, better)]), String(past.metric), (value) => {
      past.metric = Number(value);
      redraw("history");
    }),
    tick("as changes since the first run", past.isRelative, (isOn) => {
      past.isRelative = isOn;
      redraw("history");
    }),
    past.picker.group,
  ];
  byId("history-controls").replaceChildren(...choices.filter(Boolean));
  say(`history of ${suite}`);
}

function startHistory() {
  if (!data.history.length) return;
  offerHistory();
  drawing("history", buildHistory);
}
