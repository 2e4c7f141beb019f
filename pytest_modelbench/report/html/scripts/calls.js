// Every call: the share answered within a time, and the series with its warm-up.
const calls = { picker: null, isLog: false, isLogSeries: false };

/** Durations come as whole numbers of a power of ten ms. */
function unpackCalls() {
  for (const found of Object.values(data.latency.cases)) {
    const { exponent } = found;
    const inMs = (value) => (exponent < 0 ? value / 10 ** -exponent : value * 10 ** exponent);
    found.sorted = found.sorted.map(inMs);
    for (const series of [found.timed, found.first, found.warmup]) series.parts = series.parts.map((part) => part.map(inMs));
  }
}

/** [duration, share of calls within it in per cent], from a distribution. */
function steps(sorted, count) {
  const shares = sorted.length === count ? sorted.map((_, index) => (index + 1) / count) : data.latency.shares;
  return sorted.map((x, index) => ({ x, y: 100 * shares[index] }));
}

function chosenCalls(colour) {
  return calls.picker.chosen().map(({ key, slot, dash }) => ({
    number: Number(key), name: data.cases[key].name, found: data.latency.cases[key], tint: colour.series[slot], dash,
  }));
}

function buildDistribution(colour) {
  const chosen = chosenCalls(colour).filter(({ found }) => found.sorted.length);
  if (!chosen.length) return null;
  const sets = chosen.map(({ name, found, tint, dash }) => ({
    label: name, data: steps(found.sorted, found.timed.count), borderColor: tint, backgroundColor: tint, borderDash: dash,
    borderWidth: 2, pointRadius: 0, pointHitRadius: 6, stepped: found.sorted.length === found.timed.count ? "before" : false,
  }));
  const lines = [50, 95].map((at) => ({ axis: "y", at, colour: colour.quiet, dash: [2, 4], word: `${at} %` }));
  const scales = {
    x: axis(colour, "ms", { isLog: calls.isLog }),
    y: axis(colour, "% of calls", { min: 0, max: 100 }),
  };
  const told = ({ raw, dataset }) => `${dataset.label}: ${shown(raw.y)} % within ${shown(raw.x)} ms`;
  const words = chosen.map(({ name, found }) => `${name}: ${counted(found.timed.count, "call")}, all within ${shown(found.sorted.at(-1))} ms`);
  return {
    settings: settings(colour, "line", sets, scales, { told, title: () => "", lines, data: {}, options: { interaction: { mode: "nearest", axis: "x", intersect: false } } }),
    words: `${counted(chosen.length, "case")}; a curve further left is faster, a steeper one more even.`,
    more: words.join("; "),
  };
}

/** A series as points; `at` gives the place of a call by its number. */
function places({ step, count, parts: [middle, low, high] }, at, isFirst = false) {
  return middle.map((y, index) => {
    const first = index * step;
    const last = Math.min(count, first + step) - 1;
    return { x: at((first + last) / 2), y, first, last, isFirst, low: low ? low[index] : y, high: high ? high[index] : y };
  });
}

function seriesSets({ name, found, tint }, stretch) {
  const timed = places(found.timed, (index) => index + 1);
  const early = (offset) => (index) => (index - found.warmup.count - offset) * stretch;
  const warm = [...places(found.first, early(1), true), ...places(found.warmup, early(0))];
  const about = { label: name, borderColor: tint, backgroundColor: tint, borderWidth: 1.5 };
  const edge = (key, fill) => ({
    ...about, data: timed.map((one) => ({ ...one, y: one[key] })), isSilent: true, borderWidth: 0, pointRadius: 0, pointHitRadius: 0,
    fill, backgroundColor: faint(tint, 0.25),
  });
  const band = found.timed.step > 1 ? [edge("low", "+1"), edge("high", false)] : [];
  const isDense = timed.length > 150;
  return [
    ...band,
    { ...about, data: timed, pointRadius: isDense ? 0 : 1.5, pointHitRadius: 5 },
    {
      ...about, data: warm.map((one) => ({ ...one, isWarmup: true })), showLine: true, borderDash: [2, 3], borderWidth: 1,
      pointStyle: "triangle", pointRadius: 4, backgroundColor: "transparent",
    },
  ];
}

function buildSeries(colour) {
  const chosen = chosenCalls(colour);
  if (!chosen.length) return null;
  const longest = Math.max(1, ...chosen.map(({ found }) => found.timed.count));
  const warmest = Math.max(0, ...chosen.map(({ found }) => found.warmup.count + found.first.count));
  const stretch = warmest ? Math.max(1, (0.35 * longest) / warmest) : 1;
  const told = ({ raw, dataset }) => {
    const range = raw.first === raw.last ? `${raw.first + 1}` : `${raw.first + 1} to ${raw.last + 1}`;
    const which = raw.isFirst ? "first call" : `${raw.isWarmup ? "warm-up call" : "call"} ${range}`;
    const spread = raw.low === raw.high ? "" : ` (${shown(raw.low)} to ${shown(raw.high)})`;
    return `${dataset.label}: ${which}: ${shown(raw.y)} ms${spread}`;
  };
  const callTicks = (scale) => {
    const timed = scale.ticks.filter(({ value }) => value >= 0);
    const early = warmest ? [-warmest, -Math.round(warmest / 2)].map((value) => ({ value: value * stretch })) : [];
    scale.ticks = [...early, ...timed];
  };
  const scales = {
    x: axis(colour, warmest ? (isNarrow() ? "calls" : "calls; the part for warm-up is stretched") : "calls", {
      min: -warmest * stretch * 1.04, max: longest,
      afterBuildTicks: callTicks,
      ticks: { callback: (value) => String(value < 0 ? Math.round(value / stretch) : value) },
    }),
    y: axis(colour, "ms", { isLog: calls.isLogSeries }),
  };
  const lines = warmest ? [
    { axis: "x", at: 0.5, colour: colour.quiet, word: "timed" },
    { axis: "x", at: 0.5, colour: colour.quiet, word: "warm-up", side: "left" },
  ] : [];
  const sets = chosen.flatMap((one) => seriesSets(one, stretch));
  const words = chosen.map(({ name, found }) => {
    const first = found.first.count ? `first call ${shown(found.first.parts[0][0])} ms, ` : "";
    return `${name}: ${first}${counted(found.warmup.count, "further call")} of warm-up, ended by ${found.ended}`;
  });
  return {
    settings: settings(colour, "line", sets, scales, { told, title: () => "", lines, options: { interaction: { mode: "nearest", intersect: false } } }),
    words: `${counted(chosen.length, "case")}; triangles are calls of warm-up, the first call leftmost.`,
    more: words.join("; "),
  };
}

function startCalls() {
  const keys = Object.keys(data.latency.cases).sort((one, other) => one - other);
  if (!keys.length) return;
  unpackCalls();
  const first = keys.slice(0, 4);
  const drawBoth = () => ["distribution", "series"].forEach(redraw);
  calls.picker = picker(keys.map((key) => [key, data.cases[key].name]), first, drawBoth);
  const found = first.map((key) => data.latency.cases[key]);
  const timed = found.flatMap(({ sorted }) => sorted);
  const early = found.flatMap(({ first, warmup }) => [...first.parts[0], ...warmup.parts[0]]);
  calls.isLog = spansMuch(timed);
  calls.isLogSeries = spansMuch([...timed, ...early], 5);
  byId("cases-controls").append(calls.picker.group);
  byId("distribution-controls").append(tick("logarithmic", calls.isLog, (isOn) => {
    calls.isLog = isOn;
    redraw("distribution");
  }));
  byId("series-controls").append(tick("logarithmic", calls.isLogSeries, (isOn) => {
    calls.isLogSeries = isOn;
    redraw("series");
  }));
  drawing("distribution", buildDistribution);
  drawing("series", buildSeries);
}
