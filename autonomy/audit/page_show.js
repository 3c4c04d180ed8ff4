// Shows what page_verify.js found. Text reaches the page through textContent only, so that no payload can be markup.

const PAGE_ROWS = 200;
const byId = (id) => document.getElementById(id);

function element(name, text = "", className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function shownText(value) {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function shownTime(at) {
  const time = new Date(typeof at === "number" ? at : NaN);
  return Number.isNaN(time.valueOf()) ? "" : time.toISOString().replace("T", " ").replace("Z", "");
}

function result({ decision, status, effect }) {
  return shownText(status ?? effect ?? (decision && decision.effect));
}

function detail({ leaf, payloads }) {
  const box = document.createElement("details");
  box.append(element("summary", "show"));
  for (const { name, value } of payloads) {
    box.append(element("h3", name), element("pre", value));
  }
  box.append(element("h3", "leaf"), element("pre", JSON.stringify(leaf, null, 2)));
  return box;
}

function tableRow(row) {
  const { leaf, index } = row;
  const shown = document.createElement("tr");
  const head = element("th", String(index));
  head.scope = "row";
  shown.append(head, element("td", shownTime(leaf.at)), element("td", shownText(leaf.kind), "kind"));
  for (const value of [leaf.agent_name ?? leaf.agent ?? leaf.actor, leaf.tool, leaf.action]) shown.append(element("td", shownText(value)));
  const last = document.createElement("td");
  last.append(detail(row));
  shown.append(element("td", result(leaf)), last);
  return shown;
}

function matching(rows, wanted) {
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter(({ leaf, payloads }) => {
    const text = JSON.stringify([leaf, payloads]).toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

function showTable(rows) {
  let found = rows;
  let first = 0;
  const draw = () => {
    const shown = found.slice(first, first + PAGE_ROWS);
    byId("rows").replaceChildren(...shown.map(tableRow));
    byId("range").textContent = shown.length ? `${first + 1}\u2013${first + shown.length} of ${found.length}` : "nothing found";
    byId("back").disabled = first === 0;
    byId("next").disabled = first + PAGE_ROWS >= found.length;
  };
  const turn = (by) => { first += by; draw(); byId("scroll").scrollTop = 0; };
  byId("back").addEventListener("click", () => turn(-PAGE_ROWS));
  byId("next").addEventListener("click", () => turn(PAGE_ROWS));
  byId("filter").addEventListener("input", (event) => { found = matching(rows, event.target.value); turn(-first); });
  draw();
}

function showVerdict({ findings, unchecked, rows, checkpoints, header }) {
  const state = findings.length ? "bad" : unchecked ? "unsure" : "good";
  const words = {
    good: "Nothing was changed: every leaf stands under a signed checkpoint.",
    bad: "This log was changed, or the file is damaged.",
    unsure: "The hashes agree, but this browser cannot check Ed25519 signatures. Verify the export with the command below.",
  };
  byId("verdict").className = state;
  byId("verdict").textContent = words[state];
  byId("summary").textContent = `${rows.length} leaves and ${checkpoints} checkpoints of the log ${shownText(header.origin)}`;
  byId("keys").replaceChildren(...(header.keys || []).map((key) => element("li", shownText(key))));
  byId("findings").replaceChildren(
    ...findings.map(({ index, message }) => element("li", `at leaf ${index}: ${message}`)),
  );
  document.documentElement.dataset.verdict = state;
}

function offerExport(data) {
  byId("save").addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([data], { type: "application/jsonl" }));
    link.download = "audit.jsonl";
    link.click();
    URL.revokeObjectURL(link.href);
  });
}

const data = fromBase64(byId("export").textContent);
offerExport(data);
examine(data).then((report) => { showVerdict(report); showTable(report.rows); });
