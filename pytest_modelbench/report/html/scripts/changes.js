// Changes with their intervals, and the blocks that they rest on.
const blocks = { chosen: 0 };

function tintOf(colour, outcome) {
  return { regression: colour.bad, inconclusive: colour.undecided, pass: colour.good }[outcome] || colour.quiet;
}

/** Where the change is as much for the worse as is allowed; null where nothing says. */
function limitOf({ tolerance, better }) {
  if (tolerance === null || !better) return null;
  return better === "lower" ? tolerance : -tolerance;
}

const changeName = ({ name, metric }) => `${metric}: ${name}`;

function changeWords({ change, interval, outcome, ...named }) {
  const [low, high] = interval.map((one) => (one === null ? "?" : percent(one)));
  return `${changeName(named)}: ${percent(change)}${interval.some((one) => one !== null) ? ` [${low}, ${high}]` : ""}, ${outcome}`;
}

function buildChanges(colour, place) {
  const found = data.changes;
  if (!found.length) return null;
  place.style.height = `${110 + 26 * found.length}px`;
  const widest = isNarrow() ? 22 : 60;
  const areAlike = new Set(found.map(({ name }) => name)).size === 1;
  const nameOf = (one) => short(areAlike ? one.metric : changeName(one), widest);
  const limits = found.flatMap((one, y) => (limitOf(one) === null ? [] : [{ x: limitOf(one), y, one, isLimit: true }]));
  const sets = ["regression", "inconclusive", "pass", "noted"].map((outcome) => {
    const tint = tintOf(colour, outcome);
    return {
      label: outcome, borderColor: tint, backgroundColor: tint, hasIntervals: true, radius: 6, pointStyle: outcome === "regression" ? "rectRot" : "circle",
      data: found.flatMap((one, y) => (one.outcome === outcome ? [{ x: one.change, y, one, ofX: one.interval[0] === null && one.interval[1] === null ? null : one.interval }] : [])),
    };
  }).filter((set) => set.data.length);
  if (limits.length) {
    sets.push({ label: "as much worse as is allowed", data: limits, pointStyle: "line", rotation: 90, radius: 9, borderColor: colour.ink, borderWidth: 2 });
  }
  const label = (value) => (Number.isInteger(value) && found[value] ? nameOf(found[value]) : "");
  const scales = {
    x: axis(colour, "change in %", reach([{ x: 0 }, ...sets.flatMap((set) => set.data)], "x", "ofX")),
    y: axis(colour, "", { min: -0.6, max: found.length - 0.4, reverse: true, grid: { display: false }, ticks: { stepSize: 1, autoSkip: false, callback: label } }),
  };
  const told = ({ raw }) => (raw.isLimit ? `allowed: ${percent(raw.x)}` : changeWords(raw.one));
  const lines = [{ axis: "x", at: 0, colour: colour.quiet }];
  const count = (outcome) => found.filter((one) => one.outcome === outcome).length;
  const words = ["regression", "inconclusive", "pass", "noted"].filter(count).map((outcome) => `${count(outcome)} ${outcome}`);
  return {
    settings: settings(colour, "scatter", sets, scales, { told, title: () => "", lines, legend: true }),
    words: `${counted(found.length, "change")}: ${words.join(", ")}. Changes that are no shares are in the table alone.`,
  };
}

function buildBlocks(colour) {
  const one = data.blocks[blocks.chosen];
  if (!one) return null;
  const lines = [
    { axis: "y", at: 0, colour: colour.quiet },
    { axis: "y", at: one.change, colour: tintOf(colour, one.outcome), word: `estimate ${percent(one.change)}` },
  ];
  if (limitOf(one) !== null) lines.push({ axis: "y", at: limitOf(one), colour: colour.ink, dash: [6, 4], word: `allowed ${percent(limitOf(one))}` });
  let x = 0;
  const sets = one.launches.map(({ series, number, changes }, index) => {
    const tint = colour.series[index % 2 === 0 ? 0 : 5];
    if (index) lines.push({ axis: "x", at: x - 0.5, colour: colour.line });
    const points = changes.map((y, block) => ({ x: x++, y, number, series, block: block + 1 }));
    return { label: `launch ${number}`, data: points, backgroundColor: faint(tint, 0.7), borderColor: tint, radius: 3, pointStyle: series === "decision" ? "circle" : "triangle" };
  });
  const told = ({ raw }) => `launch ${raw.number} (${raw.series}), block ${raw.block}: ${percent(raw.y)}`;
  const scales = {
    x: axis(colour, isNarrow() ? "blocks" : "blocks, launch by launch (triangles: launches that confirm)", { min: -1, max: x, grid: { display: false }, ticks: { display: false } }),
    y: axis(colour, "change in %"),
  };
  return {
    settings: settings(colour, "scatter", sets, scales, { told, title: () => "", lines }),
    words: `${changeWords(one)}; ${counted(x, "block")} of ${one.launches.length === 1 ? "1 launch" : `${one.launches.length} launches`}.`,
  };
}

function startChanges() {
  if (data.changes.length) drawing("changes", buildChanges);
  if (!data.blocks.length) return;
  if (data.blocks.length > 1) {
    byId("blocks-controls").append(
      choice("Blocks of", data.blocks.map((one, number) => [String(number), changeName(one)]), "0", (value) => {
        blocks.chosen = Number(value);
        redraw("blocks");
      }),
    );
  }
  drawing("blocks", buildBlocks);
}
