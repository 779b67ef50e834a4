// The data of the reading, its classes and counts, and the format of texts and numbers.

const data = JSON.parse(document.getElementById("data").textContent);
const CLASSES = ["unshifted", "marginal", "shifted", "unknown"];
const CHANGES = ["repaired", "broken", "still shifted", "never shifted", "unknown"];
const NONE = "–";

const classOf = (rank) => (rank === 0 ? "unknown" : rank === 1 ? "unshifted" : rank <= 3 ? "marginal" : "shifted");

function changeOf(before, now) {
  if (before === 0 || now === 0) return "unknown";
  if (before > 3) return now > 3 ? "still shifted" : "repaired";
  return now > 3 ? "broken" : "never shifted";
}

/** Class of each position of an answer under a context or, in a comparison, its change from the first context. */
function labelsOf(answer, context, compared) {
  const ranks = answer.ranks[context];
  return compared ? ranks.map((rank, place) => changeOf(answer.ranks[0][place], rank)) : ranks.map(classOf);
}

/** How many tokens have each label; the end of the turn is not a token. */
function countLabels(labels, length) {
  const counts = {};
  for (const label of labels.slice(0, length)) counts[label] = (counts[label] ?? 0) + 1;
  return counts;
}

const textOf = (answer) => answer.pieces.map((piece) => data.texts[piece]).join("");

/** Probabilities, divergences and lists of an answer, which stay packed until the answer is opened. */
async function unpack(answer) {
  const packed = Uint8Array.from(atob(answer.packed), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

// Characters that are invisible, or change the direction of text, are shown by name.
// eslint-disable-next-line no-control-regex
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

function nameUnseen(text) {
  return text.replace(UNSEEN, (character) => {
    const code = character.charCodeAt(0);
    if (code < 32) return String.fromCharCode(0x2400 + code);
    return `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
  });
}

/** A token's text on one line, with signs for whitespace. */
const signs = (text) => (text === "" ? "▫" : nameUnseen(text.replaceAll("\n", "↵").replaceAll("\t", "⇥").replaceAll(" ", "␣")));

/** A token's text for a screen reader. */
const spoken = (text) =>
  text === "" ? "piece of a character" : text.trim() === "" ? (text.includes("\n") ? "line break" : "blank") : nameUnseen(text.trim());

function percent(share) {
  if (share === null || share === undefined) return NONE;
  const value = 100 * share;
  if (value === 0 || value >= 99.95) return `${value.toFixed(0)} %`;
  if (value >= 10) return `${value.toFixed(1)} %`;
  return value >= 0.01 ? `${value.toPrecision(2)} %` : "<0.01 %";
}

const fromPermille = (value) => (value < 0 ? NONE : value === 0 ? "<0.1 %" : value === 1000 ? "100 %" : `${(value / 10).toFixed(1)} %`);
const nats = (value) => (value === null || value === undefined ? NONE : value < 0.001 && value > 0 ? "<0.001" : value.toFixed(value < 10 ? 3 : 1));
/** Behind a server only a lower bound of the divergence is known. */
const divergence = (value) => (data.least && value !== null && value !== undefined ? `≥ ${nats(value)}` : nats(value));
const signed = (share) => (share === null ? NONE : `${share > 0 ? "+" : "−"}${Math.abs(100 * share).toFixed(1)}`);
const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

/** An element with properties, attributes (names with a dash, and `role`) and children. */
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (name.includes("-") || name === "role" || name === "scope") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

function draw(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Shares of a whole as a bar; the text beside it gives the same numbers. */
function ratio(parts) {
  const bar = make("div", { className: "ratio", "aria-hidden": "true" });
  for (const [name, share] of Object.entries(parts)) {
    const part = make("i", { className: name });
    part.style.width = `${100 * (share ?? 0)}%`;
    bar.append(part);
  }
  return bar;
}
