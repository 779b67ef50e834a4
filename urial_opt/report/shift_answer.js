// One answer, token by token, and the list of all queries.

const answerBox = document.getElementById("answer");
const list = document.getElementById("list");
let tokens = [];
const rows = data.answers.map((answer, index) => queryRow(answer, index));
const searched = data.answers.map((answer) => `${answer.query}\n${textOf(answer)}`.toLowerCase());

function queryRow(answer, index) {
  const measure = make("span", { className: "measure" });
  const words = make("span", { className: "words", textContent: nameUnseen(answer.query) || "(empty)" });
  const button = make("button", { type: "button", tabIndex: -1 }, words, measure);
  button.dataset.answer = index;
  return { item: make("li", {}, button), button, measure };
}

function labelsNow(answer) {
  return labelsOf(answer, view.context, comparing());
}

/** Whether each position passes the filters. */
function matchesOf(answer) {
  return labelsNow(answer).map((label, place) =>
    (view.only.size === 0 || view.only.has(label)) && (view.kind === "" || data.kinds[answer.kinds[place]] === view.kind));
}

const filtering = () => view.only.size > 0 || view.kind !== "";

/** The answers shown in the list, in order. */
function answersFound() {
  const wanted = view.search.trim().toLowerCase();
  const found = data.answers.map((_, index) => index).filter((index) =>
    (wanted === "" || searched[index].includes(wanted)) && (!filtering() || matchesOf(data.answers[index]).some(Boolean)));
  const weight = {
    "as asked": () => 0,
    "most shifted": (index) => -shareOf(index, view.context, false, "shifted"),
    "least shifted": (index) => shareOf(index, view.context, false, "shifted"),
    "most repaired": (index) => -shareOf(index, view.context, true, "repaired"),
    "most broken": (index) => -shareOf(index, view.context, true, "broken"),
  }[view.order];
  return found.map((index) => [weight(index), index]).sort((a, b) => a[0] - b[0] || a[1] - b[1]).map(([, index]) => index);
}

function shareOf(index, context, compared, label) {
  const answer = data.answers[index];
  return (countLabels(labelsOf(answer, context, compared), answer.pieces.length)[label] ?? 0) / Math.max(1, answer.pieces.length);
}

function showList() {
  const found = answersFound();
  if (found.length && !found.includes(view.answer)) openAnswer(found[0]);
  const now = [...list.children];
  const wanted = found.map((index) => rows[index].item);
  if (now.length !== wanted.length || wanted.some((item, place) => item !== now[place])) list.replaceChildren(...wanted);
  for (const index of found) {
    const answer = data.answers[index];
    const counts = countLabels(labelsNow(answer), answer.pieces.length);
    const { button, measure } = rows[index];
    const share = (name) => (counts[name] ?? 0) / Math.max(1, answer.pieces.length);
    const shares = comparing()
      ? { repaired: share("repaired"), broken: share("broken"), remaining: share("still shifted") }
      : { unshifted: share("unshifted"), marginal: share("marginal"), shifted: share("shifted") };
    const words = filtering()
      ? plural(matchesOf(answer).filter(Boolean).length, "token")
      : comparing() ? `${counts.repaired ?? 0} repaired, ${counts.broken ?? 0} broken` : `${percent(share("shifted"))} shifted`;
    measure.replaceChildren(ratio(shares), words);
    const current = index === view.answer;
    button.toggleAttribute("aria-current", current);
    if (current) button.setAttribute("aria-current", "true");
    button.tabIndex = current ? 0 : -1;
  }
  document.getElementById("found").textContent = `${found.length === data.answers.length ? "" : `${found.length} of `}${data.answers.length}`;
  document.querySelector(".none").hidden = found.length > 0;
  return found;
}

/** Rebuilds the answer; `colourAnswer` is enough where only its view changes. */
function showAnswer() {
  const answer = data.answers[view.answer];
  document.getElementById("answer-heading").textContent = nameUnseen(answer.query) || "(empty query)";
  tokens = answer.ranks[0].map((_, place) => tokenElement(answer, place));
  answerBox.replaceChildren(...tokens.flatMap((token) => [token.dataset.blank ?? "", token]));
  if (!tokens.length) answerBox.textContent = "The aligned model answered nothing.";
}

function tokenElement(answer, place) {
  const ends = place >= answer.pieces.length;
  const element = make("span", { className: ends ? "token end" : "token", role: "button", "aria-haspopup": "dialog" });
  element.dataset.place = place;
  const text = ends ? "end of turn" : data.texts[answer.pieces[place]];
  // the space before a word goes before its box, so that no empty box is left at the end of a line
  if (/^ \S/.test(text)) element.dataset.blank = " ";
  element.append(...marked(element.dataset.blank ? text.slice(1) : text));
  return element;
}

/** Line breaks and tabs, after a visible sign that is not copied. */
function marked(text) {
  if (text === "") return [make("i", { className: "mark", textContent: "▫" })];
  return text.split(/(?=[\n\t])|(?<=[\n\t])/).flatMap((part) =>
    part === "\n" || part === "\t" ? [make("i", { className: "mark", textContent: part === "\n" ? "↵" : "⇥" }), part] : [nameUnseen(part)]);
}

function colourAnswer() {
  const answer = data.answers[view.answer];
  const ranks = answer.ranks[view.context];
  const labels = labelsNow(answer);
  const matches = matchesOf(answer);
  const stops = filtering() ? matches : labels.map((label) => label === "shifted" || label === "broken" || label === "still shifted");
  const found = foundTokens(answer);
  answerBox.classList.toggle("filtered", filtering());
  tokens.forEach((element, place) => {
    const text = place < answer.pieces.length ? spoken(data.texts[answer.pieces[place]]) : "end of turn";
    element.dataset.class = labels[place];
    element.classList.toggle("match", matches[place]);
    element.classList.toggle("found", found.has(place));
    element.tabIndex = stops[place] || place === (view.place ?? 0) ? 0 : -1;
    element.setAttribute("aria-label", `${text}: ${labels[place]}, ${rankWords(ranks[place])}, ${data.kinds[answer.kinds[place]]}`);
  });
  const shifted = percent(shareOf(view.answer, view.context, false, "shifted"));
  const cut = answer.ended ? "" : ", cut off at its maximal length";
  document.getElementById("which").textContent = `Answer ${view.answer + 1} of ${data.answers.length}, ${plural(answer.pieces.length, "token")}${cut}, ${shifted} shifted`;
}

const rankWords = (rank) => (rank === 0 ? "rank unknown" : `rank ${rank}`);

/** Positions of the tokens that contain the searched text. */
function foundTokens(answer) {
  const wanted = view.search.trim().toLowerCase();
  const found = new Set();
  if (wanted === "") return found;
  const text = textOf(answer).toLowerCase();
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) {
    let start = 0;
    answer.pieces.forEach((piece, place) => {
      const end = start + data.texts[piece].length;
      if (start < at + wanted.length && end > at) found.add(place);
      start = end;
    });
  }
  return found;
}

/** The nearest token in the line above or below. */
function neighbourLine(place, direction) {
  const middle = (box) => (box.left + box.right) / 2;
  const boxes = tokens.map((element) => element.getClientRects()[0] ?? element.getBoundingClientRect());
  const own = boxes[place];
  const apart = boxes.map((box) => direction * (box.top - own.top));
  const near = Math.min(...apart.filter((distance) => distance > own.height / 2));
  const line = tokens.map((_, other) => other).filter((other) => Math.abs(apart[other] - near) < own.height / 2 && walkable(other));
  return line.sort((a, b) => Math.abs(middle(boxes[a]) - middle(own)) - Math.abs(middle(boxes[b]) - middle(own)))[0] ?? place;
}

const walkable = (place) => !filtering() || tokens[place].classList.contains("match");

function neighbour(place, direction) {
  for (let next = place + direction; next >= 0 && next < tokens.length; next += direction) if (walkable(next)) return next;
  return place;
}
