// Where the time of each case went, as bars.
const phases = { part: "all", showsAll: false };
const MOST_BARS = 40;
const PARTS = [["all", "everything that was done"], ["first", "until the first answer"], ["shares", "shares of everything"]];

function buildPhases(colour, place) {
  const having = shownCases().filter((number) => Object.hasOwn(data.phases.cases, number));
  if (!having.length) return null;
  const numbers = phases.showsAll ? having : having.slice(0, MOST_BARS);
  const most = phases.part === "first" ? 3 : data.phases.names.length;
  const total = (number) => data.phases.cases[number].reduce((sum, one) => sum + (one || 0), 0) || 1;
  const unit = phases.part === "shares" ? "%" : "s";
  const value = (number, index) => {
    const seconds = data.phases.cases[number][index];
    return seconds !== null && phases.part === "shares" ? (100 * seconds) / total(number) : seconds;
  };
  const used = data.phases.names.map((name, index) => ({ name, index })).slice(0, most)
    .filter(({ index }) => numbers.some((number) => data.phases.cases[number][index]));
  const tints = [colour.series[0], colour.series[4], colour.series[1], colour.series[3], colour.series[2]];
  const sets = used.map(({ name, index }) => ({
    label: name, data: numbers.map((number) => value(number, index)), backgroundColor: faint(tints[index], 0.85),
    borderColor: colour.paper, borderWidth: { right: 1 }, barThickness: 14,
  }));
  place.style.height = `${100 + 22 * numbers.length}px`;
  const widest = isNarrow() ? 18 : 44;
  const told = ({ dataset, raw }) => `${dataset.label}: ${raw === null ? "not measured" : `${shown(raw)} ${unit}`}`;
  const scales = {
    x: axis(colour, phases.part === "shares" ? "% of the case's time" : "seconds", { stacked: true, max: unit === "%" ? 100 : undefined }),
    y: axis(colour, "", {
      type: "category", stacked: true, grid: { display: false },
      ticks: { autoSkip: false, callback: (_, index) => short(data.cases[numbers[index]].name, widest) },
    }),
  };
  const count = numbers.length < having.length ? `The first ${numbers.length} of ${counted(having.length, "case")}.` : `${counted(numbers.length, "case")}.`;
  const longest = numbers.reduce((one, other) => (total(other) > total(one) ? other : one));
  return {
    settings: settings(colour, "bar", sets, scales, {
      told, legend: true, title: (item) => data.cases[numbers[item.dataIndex]].name,
      data: { labels: numbers.map((number) => data.cases[number].name) },
      options: { indexAxis: "y", interaction: { mode: "index", axis: "y", intersect: false } },
    }),
    words: `${count} Longest: ${data.cases[longest].name} with ${shown(total(longest))} s. Timed calls take as long as the stop rule asks for.`,
  };
}

function startPhases() {
  const count = Object.keys(data.phases.cases).length;
  if (!count) return;
  const controls = byId("phases-controls");
  controls.append(choice("Show", PARTS, phases.part, (value) => {
    phases.part = value;
    redraw("phases");
  }));
  if (count > MOST_BARS) {
    controls.append(tick(`all ${count} cases`, phases.showsAll, (isOn) => {
      phases.showsAll = isOn;
      redraw("phases");
    }));
  }
  drawing("phases", buildPhases);
}
