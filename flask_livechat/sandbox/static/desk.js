/**
 * The agent page: one long-poll brings everything, each button is one request.
 *
 * @typedef {{n: number, author: string, text: string, at: number, note: boolean}} Message `note`: for the team
 * @typedef {{state: "anonymous" | "verified" | "unverified" | "refused", id: string | null, email: string | null,
 *   name: string | null, reason: string}} Identity
 * @typedef {{session: string, vendor: string, n: number, seen: number, page: string, identity: Identity,
 *   ongoing: boolean, tags: string[], last: Message | null}} Summary
 * @typedef {Summary & {messages: Message[], attributes: Record<string, unknown>, rating: number | null,
 *   events: {n: number, name: string, data: Record<string, unknown>, at: number}[]}} Detail
 * @typedef {{name: string, title: string, color: string}} Vendor `color`: a background for white letters
 * @typedef {{revision: number, status: Record<string, string>, vendors: Vendor[], inbox: string | null,
 *   sessions: Summary[], detail: Detail | null}} Desk
 */

const MARKS = { anonymous: "anonymous", verified: "✓ verified", unverified: "unverified", refused: "refused" };

let chosen = decodeURIComponent(location.hash.slice(1));
/** @type {AbortController | undefined} */
let polling;
/** @type {Record<string, Vendor>} */
let vendors = {};

/** @param {string} id @returns {HTMLElement} */
function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`#${id} is missing`);
  return found;
}

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag @param {Record<string, string>} attributes @param {(Node | string)[]} children
 */
function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Ask, show, ask again. Choosing another conversation starts over; a hidden tab holds no request. */
async function watch() {
  polling?.abort();
  if (document.hidden) return;
  const controller = new AbortController();
  polling = controller;
  for (let after = 0; !controller.signal.aborted;) {
    const asked = Date.now();
    const desk = await ask(after, controller.signal);
    if (controller.signal.aborted) return;
    if (desk) show(desk);
    // A failure, or a server that cannot hold a request and answers at once with nothing new.
    const idle = !desk || desk.revision === after;
    if (idle && Date.now() - asked < 1000) await new Promise((resolve) => setTimeout(resolve, 3000));
    // A restarted server counts from the beginning; then so do we.
    after = desk ? desk.revision : 0;
  }
}

/** @param {number} after @param {AbortSignal} signal @returns {Promise<Desk | null>} */
async function ask(after, signal) {
  const query = new URLSearchParams({ after: String(after), wait: after ? "20" : "0", session: chosen });
  try {
    const response = await fetch(`desk/state?${query}`, { signal });
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}

/** @param {string} action @param {Record<string, string | boolean>} body */
async function act(action, body) {
  const response = await fetch(`desk/${action}`, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  if (!response.ok) console.warn(`desk ${action}: ${response.status}`);
  return response.ok;
}

/** @param {Desk} desk */
function show(desk) {
  vendors = Object.fromEntries(desk.vendors.map((vendor) => [vendor.name, vendor]));
  const words = byId("inbox");
  if (desk.inbox && !words.querySelector("a")) words.replaceChildren(": ", element("a", { href: desk.inbox }, "go there"));
  showAgents(desk);
  byId("empty").hidden = desk.sessions.length > 0;
  showSessions(desk.sessions);
  for (const id of ["detail", "facts"]) byId(id).hidden = !desk.detail;
  byId("hint").hidden = Boolean(desk.detail);
  if (desk.detail) showDetail(desk.detail);
}

/** @param {Desk} desk */
function showAgents(desk) {
  const box = byId("agents");
  for (const vendor of desk.vendors) {
    const now = desk.status[vendor.name] || "online";
    let select = /** @type {HTMLSelectElement | null} */ (box.querySelector(`select[name="${vendor.name}"]`));
    if (!select) {
      select = element("select", { name: vendor.name }, ...["online", "away", "offline"].map(
        (status) => element("option", { value: status }, status)));
      select.addEventListener("change", (event) => {
        const status = /** @type {HTMLSelectElement} */ (event.target).value;
        void act("status", { vendor: vendor.name, status });
      });
      box.append(element("label", {}, vendor.title, select));
    }
    if (document.activeElement !== select) select.value = now;
  }
}

/** @param {Summary[]} sessions */
function showSessions(sessions) {
  const list = byId("sessions");
  const focused = document.activeElement?.getAttribute("data-session");
  const sorted = sessions.toSorted((one, other) => rank(one) - rank(other) || lastAt(other) - lastAt(one));
  list.replaceChildren(...sorted.map((session) => element("li", {}, sessionButton(session))));
  if (focused) /** @type {HTMLElement | null} */ (list.querySelector(`[data-session="${CSS.escape(focused)}"]`))?.focus();
}

/** @param {Summary} session whoever waits for an answer comes first, whoever has written nothing comes last */
function rank(session) {
  if (!session.last) return 2;
  return isWaiting(session) ? 0 : 1;
}

/** @param {Summary} session */
function isWaiting(session) {
  return session.ongoing && session.last?.author === "visitor";
}

/** @param {Summary} session */
function lastAt(session) {
  return session.last ? session.last.at : session.seen;
}

/** @param {Summary} session */
function sessionButton(session) {
  const last = session.last;
  const button = element("button", { type: "button", "data-session": session.session,
    "aria-current": String(session.session === chosen) },
  element("span", { class: "who" }, somebody(session.identity)),
  element("span", { class: "mark", "data-state": session.identity.state, title: session.identity.reason },
    MARKS[session.identity.state]),
  element("span", { class: isWaiting(session) ? "last waiting" : "last" }, last ? last.text : "no message yet"),
  element("span", { class: "when" }, moment(lastAt(session))),
  element("span", { class: "where" }, vendorLabel(session.vendor),
    ...session.tags.map((tag) => element("span", { class: "tag" }, tag)),
    element("span", { class: "page" }, session.page)));
  button.addEventListener("click", () => choose(session.session));
  return button;
}

/** @param {string} session */
function choose(session) {
  chosen = session;
  history.replaceState(null, "", `#${encodeURIComponent(session)}`);
  byId("log").replaceChildren();
  void watch();
}

/** @param {Detail} detail */
function showDetail(detail) {
  byId("name").textContent = somebody(detail.identity);
  byId("about").replaceChildren(vendorLabel(detail.vendor), ` ${detail.page}`,
    detail.rating === null ? "" : ` · rated ${detail.rating}`);
  const mark = byId("mark");
  mark.dataset.state = detail.identity.state;
  mark.textContent = MARKS[detail.identity.state];
  byId("reason").textContent = detail.identity.reason ? `Why: ${detail.identity.reason}` : "";
  byId("reason").hidden = !detail.identity.reason;
  /** @type {HTMLButtonElement} */ (byId("end")).disabled = !detail.ongoing;
  showMessages(detail.messages);
  const { id, email, name } = detail.identity;
  definitions("identity", { id, email, name });
  definitions("attributes", detail.attributes);
  byId("tags").replaceChildren(...detail.tags.map((tag) => element("span", {}, tag)));
  byId("events").replaceChildren(...detail.events.toReversed().map((event) => element("li", {}, event.name,
    element("small", {}, `${moment(event.at)} ${Object.keys(event.data).length ? JSON.stringify(event.data) : ""}`))));
}

/** @param {Message[]} messages */
function showMessages(messages) {
  const log = byId("log");
  const shown = log.childElementCount;
  // Messages are only ever added, except when the oldest of very many make room.
  const first = messages.length < shown || log.firstElementChild?.getAttribute("data-n") !== String(messages[0]?.n) ? 0 : shown;
  if (first === 0) log.replaceChildren();
  log.append(...messages.slice(first).map((message) => element("div",
    { class: message.note ? "line note" : "line", "data-author": message.author, "data-n": String(message.n) },
    ...(message.note ? [element("strong", {}, "Note for the team")] : []), message.text,
    element("time", { datetime: new Date(message.at * 1000).toISOString() }, moment(message.at)))));
  if (messages.length !== shown) log.scrollTop = log.scrollHeight;
}

/** @param {string} id @param {Record<string, unknown>} values */
function definitions(id, values) {
  const rows = Object.entries(values).filter(([, value]) => value !== null && value !== "");
  byId(id).replaceChildren(...rows.map(([name, value]) => element("div", {},
    element("dt", {}, name), element("dd", {}, String(value)))));
}

/** @param {Identity} identity */
function somebody(identity) {
  return identity.name || identity.email || identity.id || "Anonymous visitor";
}

/** @param {string} name */
function vendorLabel(name) {
  const label = element("span", { class: "vendor", "data-vendor": name }, vendors[name].title);
  label.style.backgroundColor = vendors[name].color;
  return label;
}

/** @param {number} seconds Unix time; of another day than today with its date */
function moment(seconds) {
  const at = new Date(seconds * 1000);
  const day = at.toDateString() === new Date().toDateString() ? "" : `${at.toLocaleDateString([], { day: "numeric", month: "short" })} `;
  return day + at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

/** @param {boolean} [bot] as what the vendor's own bot would say */
function reply(bot = false) {
  const box = /** @type {HTMLTextAreaElement} */ (byId("text"));
  const text = box.value.trim();
  if (!text || !chosen) return;
  box.value = "";
  void act("reply", { session: chosen, text, bot });
}

byId("reply").addEventListener("submit", (event) => {
  event.preventDefault();
  reply();
});
byId("text").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  reply();
});
byId("bot").addEventListener("click", () => reply(true));
byId("end").addEventListener("click", () => void act("end", { session: chosen }));
document.addEventListener("visibilitychange", () => void watch());
addEventListener("pagehide", () => polling?.abort());
addEventListener("pageshow", (event) => event.persisted && void watch());
void watch();
