// All answers: the table of contexts and the curves over position.

const DASHES = ["6 3", "", "1 3", "8 3 2 3", "12 4", "4 2"];
const colourOf = (context) => `var(--context-${context % 6})`;
const dashOf = (context) => DASHES[context % DASHES.length];
const WIDTH = 190;
const HEIGHT = 112;
const MARGIN = { left: 34, right: 6, top: 8, bottom: 18 };
/** False under the definitions of the paper's public code, which has divergences of its own. */
const MEANS_ARE_LEAST = data.contexts.some((context) => context.least);
const KL = MEANS_ARE_LEAST ? "KL(base ‖ aligned) at least, nats" : "KL(base ‖ aligned), nats";
const CURVES = [
  { name: "shifted", title: "Share shifted", write: percent },
  { name: "kl", title: MEANS_ARE_LEAST ? "KL(base ‖ aligned) ≥" : "KL(base ‖ aligned)", write: MEANS_ARE_LEAST ? divergence : nats },
  { name: "probability", title: "Base probability", write: percent },
];
/** Positions that fewer than a tenth of the answers reach are left out. */
const followed = data.reach.filter((answers) => answers >= Math.max(1, data.answers.length / 10)).length;
const charts = [];

function showSummary() {
  document.getElementById("models").append(
    "How far ", make("b", { textContent: nameUnseen(data.base) }), " is from ", make("b", { textContent: nameUnseen(data.aligned) }), ": ",
    `${plural(data.answers.length, "answer")}, ${plural(data.answers.reduce((sum, answer) => sum + answer.pieces.length, 0), "token")}.`,
  );
  const compared = data.contexts.length > 1;
  const first = data.contexts[0]?.name;
  const heads = ["Context", "Shifted", compared ? `against ${first}` : null, "Marginal", "Unshifted", KL, "Ends alike"];
  const table = make("table", {}, make("thead", {}, make("tr", {},
    ...heads.filter(Boolean).map((text) => make("th", { scope: "col", textContent: nameUnseen(text), title: HINTS[text] ?? (text.startsWith("against") ? HINTS.against : "") })))));
  const body = table.appendChild(make("tbody"));
  data.contexts.forEach((context) => {
    const [unshifted, marginal, shifted] = context.shares;
    const share = (estimate) => estimateCell(estimate, (value) => (value === null ? NONE : `${(100 * value).toFixed(1)} %`), (value) => (100 * value).toFixed(1));
    body.append(make("tr", {},
      make("th", { scope: "row" }, nameUnseen(context.name), ratio({ unshifted: unshifted[0], marginal: marginal[0], shifted: shifted[0] })),
      share(shifted),
      compared ? (context.difference ? estimateCell(context.difference, signed, signed) : make("td", { textContent: NONE })) : null,
      share(marginal),
      share(unshifted),
      estimateCell(context.kl, nats, nats),
      make("td", { textContent: context.end[0] ? `${context.end[1]} of ${context.end[0]}` : NONE }),
    ));
  });
  document.querySelector(".summary").append(table);
}

const HINTS = {
  against: "Share shifted minus that of the first context, in percentage points, paired by position",
  [KL]: MEANS_ARE_LEAST
    ? "Lower bound of the mean of KL(base ‖ aligned) over positions: the server reports only the most probable tokens"
    : "Mean of KL(base ‖ aligned) over positions",
  "Ends alike": "Ended answers at whose end the base model ranks ending first, too",
};

function estimateCell([mean, low, high], write, writeEnd) {
  const interval = low === null || high === null ? null : make("span", { className: "interval", textContent: `${writeEnd(low)} to ${writeEnd(high)}` });
  return make("td", {}, write(mean), interval);
}

function niceAbove(value) {
  const unit = 10 ** Math.floor(Math.log10(value || 1));
  return [1, 2, 2.5, 5, 10].map((step) => step * unit).find((step) => step >= value * 0.999);
}

function showCurves() {
  const lines = document.querySelector(".lines");
  data.contexts.forEach(({ name }, context) => {
    const sample = draw("svg", { viewBox: "0 0 26 8", "aria-hidden": "true" },
      draw("line", { x1: 0, x2: 26, y1: 4, y2: 4, "stroke-width": 2.5, "stroke-dasharray": dashOf(context) }));
    sample.firstChild.style.stroke = colourOf(context);
    lines.append(make("li", {}, sample, nameUnseen(name)));
  });
  for (const curve of CURVES) charts.push(chart(curve));
  document.querySelector(".curves").append(...charts.map((each) => each.element));
}

function chart({ name, title, write }) {
  const all = data.curves.map((curve) => curve[name].map((column) => column.slice(0, followed)));
  const means = all.flatMap(([mean]) => mean ?? []).filter((value) => value !== null);
  const top = niceAbove(Math.max(...means, 0)) ?? 1;
  const x = (place) => MARGIN.left + ((WIDTH - MARGIN.left - MARGIN.right) * place) / Math.max(1, followed - 1);
  const y = (value) => HEIGHT - MARGIN.bottom - (HEIGHT - MARGIN.top - MARGIN.bottom) * Math.min(value / top, 1.05);
  const band = draw("path", { class: "band" });
  const guide = draw("line", { class: "guide", y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom, visibility: "hidden" });
  const paths = all.map(([mean], context) => {
    const path = draw("path", { class: "line", d: pathOf(mean ?? [], x, y), "stroke-dasharray": dashOf(context) });
    path.style.stroke = colourOf(context);
    return path;
  });
  const said = data.contexts.map((context, place) => `${context.name} ${write(all[place][0]?.[0])} at the first position, ${write(all[place][0]?.[followed - 1])} at position ${followed}`);
  const svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title} over position: ${said.join("; ")}` },
    draw("path", { class: "frame", d: `M${MARGIN.left} ${y(top)}H${WIDTH - MARGIN.right}M${MARGIN.left} ${y(top / 2)}H${WIDTH - MARGIN.right}M${MARGIN.left} ${y(0)}H${WIDTH - MARGIN.right}` }),
    ...[top, top / 2, 0].map((value) => label(MARGIN.left - 5, y(value) + 3.5, "end", name === "kl" ? String(Number(value.toPrecision(3))) : `${Number((100 * value).toPrecision(3))}%`)),
    label(x(0), HEIGHT - 4, "start", "1"), label(WIDTH - MARGIN.right, HEIGHT - 4, "end", `position ${followed}`),
    band, guide, ...paths);
  const output = make("output");
  const element = make("section", { "aria-label": title }, make("h3", {}, make("span", { textContent: title }), output), svg);
  return { element, all, x, y, band, guide, paths, output, write };
}

function label(x, y, anchor, text) {
  const element = draw("text", { x, y, "text-anchor": anchor });
  element.textContent = text;
  return element;
}

function pathOf(values, x, y) {
  let pen = "M";
  return values.map((value, place) => {
    if (value === null) { pen = "M"; return ""; }
    const step = `${pen}${x(place).toFixed(1)} ${y(value).toFixed(1)}`;
    pen = "L";
    return step;
  }).join("");
}

/** Highlights a context in table and curves, and shows their values at a position. */
function markOverview(context, place) {
  for (const items of [document.querySelectorAll(".summary tbody tr"), document.querySelectorAll(".lines li")])
    items.forEach((item, index) => item.toggleAttribute("aria-current", index === context));
  for (const each of charts) {
    each.paths.forEach((path, index) => path.classList.toggle("chosen", index === context));
    const [mean = [], low = [], high = []] = each.all[context];
    const there = mean.map((_, index) => index).filter((index) => low[index] !== null && high[index] !== null);
    const edge = [...there.map((index) => [index, high[index]]), ...there.reverse().map((index) => [index, low[index]])];
    each.band.setAttribute("d", edge.length ? `M${edge.map(([index, value]) => `${each.x(index).toFixed(1)} ${each.y(value).toFixed(1)}`).join("L")}Z` : "");
    each.band.style.fill = colourOf(context);
    const within = place !== null && place < followed;
    each.guide.setAttribute("visibility", within ? "visible" : "hidden");
    each.output.textContent = within ? `at ${place + 1}: ${each.write(mean[place])}` : "";
    if (within) for (const end of ["x1", "x2"]) each.guide.setAttribute(end, each.x(place));
  }
}
