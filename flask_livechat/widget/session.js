/**
 * What comes with the vendor: who is started, what waited for it, tokens, pages that are swapped, and the end.
 * It knows no vendor; the adapter in the same file does.
 *
 * @param {LiveChat.Core} core @param {LiveChat.MakeRoom} makeRoom @returns {LiveChat.Session}
 */
function session(core, makeRoom) {
  const { vendor, chat, safely } = core;
  const BELIEVED = 5 * 60 * 1000; // ms for which our own server's word on who is logged in holds
  const MARGIN = 60 * 1000; // ms before its end at which a token is renewed
  /** Around these the vendor's elements stand beside the body, which Turbo and htmx (2 and 4) are about to replace. */
  const BEFORE = "turbo:before-cache turbo:before-render htmx:beforeHistorySave htmx:beforeSwap htmx:before:swap";
  const AFTER = "turbo:render turbo:load htmx:afterSwap htmx:historyRestore htmx:after:swap";
  const room = makeRoom(vendor, { ...core, ready, report });
  let told = chat.page; // the page whose visitor the vendor has: of pages swapped fast, not always the one before
  let touched = false; // the vendor's globals have been set
  let arrived = false; // the vendor has answered
  let ended = false; // since it was started last
  let doubt = false; // the page came back while the vendor was loading
  let visible = true; // whether the vendor's launcher is
  /** The end under way. @type {Promise<void>} */
  let ending = Promise.resolve();
  /** @type {HTMLScriptElement | null} */
  let script = null;
  let reason = "blocked";
  /** The question to our own server that is under way. @type {Promise<LiveChat.Identity | null> | null} */
  let asking = null;
  let asked = performance.now();
  let skew = 0; // ms by which the server's clock is ahead
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let renewal;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let sending;
  /** Attributes that the vendor has. @type {LiveChat.Meta} */
  let sent = {};
  /** Attributes on their way. @type {LiveChat.Meta} */
  let changes = {};
  /** Who opened the chat, and gets the focus back. @type {HTMLElement | undefined} */
  let opener;

  addEventListener("error", () => { if (document.currentScript === script) reason = "error"; });
  addEventListener("securitypolicyviolation", ({ blockedURI }) => { if (script && script.src.startsWith(blockedURI)) reason = "csp"; });
  for (const name of BEFORE.split(" ")) document.addEventListener(name, () => keep(document.body, document.documentElement));
  for (const name of AFTER.split(" ")) document.addEventListener(name, () => {
    keep(document.documentElement, document.body);
    showUnread(); // what came may be the same page again, or a part of one
  });
  return { start, call, settle, turn, wake, end };

  // Starting.

  async function start() {
    const { era } = chat;
    await ending;
    if (chat.page.who === null) {
      const found = await ask();
      if (era === chat.era && found) adopt(found);
    }
    if (era !== chat.era) return; // logged out meanwhile: what was answered is about somebody who has left
    // Never start as nobody in particular: the vendor may still hold somebody's session.
    if (chat.page.who === null) return core.fail("identity");
    core.pin(chat.page.who);
    core.remember("who", chat.page.who);
    chat.known = core.stored("who") === chat.page.who;
    if (ended) return resume();
    if (!touched) {
      touched = true;
      visible = core.vendorLauncher();
      sent = { ...chat.page.context };
      told = chat.page;
      if (!safely(() => (room.start(chat.page, chat.fresh), true))) return core.fail("error");
      chat.fresh = false;
    }
    load();
  }

  function load() {
    if (script) script.remove(); // an earlier try
    reason = "blocked";
    const mine = script = core.inject(vendor.script, {
      charset: "UTF-8",
      crossOrigin: vendor.crossorigin,
      onload: () => (reason === "error" ? core.fail(reason) : safely(() => room.loaded && room.loaded())),
      // The policy's violation is told at about the same time: hence the pause.
      onerror: () => setTimeout(() => script === mine && core.fail(reason), 50),
    });
  }

  /** After an end the vendor's script is still there. */
  async function resume() {
    const { era } = chat;
    ended = false;
    sent = { ...chat.page.context };
    if (arrived && (await safely(introduce)) !== false) return void (era === chat.era && ready());
    // It never came, or keeps what it knows of a visitor for as long as the page lives: go on in a new one, if a person asks.
    ended = true;
    if (!chat.wanted) return void core.move("end");
    safely(() => sessionStorage.setItem("livechat.open", chat.wanted?.text || ""));
    location.reload();
  }

  function ready() {
    arrived = true;
    if (chat.state === "ended") return void end(true); // too late: whoever this was started for has left
    if (!core.move("ready")) return;
    report("ready");
    if (doubt && chat.page.who) check();
    doubt = false;
    plan();
    settle();
  }

  /** What waited: the page's rule and attributes, events of earlier pages, calls, a tour, and the one open. */
  function settle() {
    const { page, kept, wanted } = chat;
    // Somebody has logged in, by a swapped page or while the vendor was on its way.
    if (page.who !== null && page.who !== told.who) {
      core.remember("who", page.who);
      safely(introduce);
    }
    obey();
    update(page.context);
    for (const event of [...parked(), ...page.events.splice(0)]) safely(() => room.track(event.name, event.metadata || {}));
    const { tour } = page.settings;
    page.settings.tour = undefined;
    if (tour != null && (vendor.can.includes("tour") || core.unsupported("tour"))) safely(() => room.tour(tour));
    chat.kept = [];
    for (const waiting of kept) call(...waiting);
    chat.wanted = null;
    if (!wanted) return;
    opener = wanted.launcher;
    safely(() => room.open(wanted.text));
  }

  /** The page's rule, and what the vendor says of its agents. */
  function obey() {
    const shown = core.vendorLauncher() && !(chat.page.settings.offline === "hide" && chat.status && chat.status !== "online");
    if (shown !== visible) safely(() => (shown ? room.show() : room.hide()));
    visible = shown;
    showUnread();
    core.drawButton();
  }

  /** @returns {LiveChat.Page["events"]} */
  function parked() {
    const key = `livechat.${vendor.name}.events`;
    const waiting = safely(() => JSON.parse(sessionStorage.getItem(key) || "[]"));
    safely(() => sessionStorage.removeItem(key));
    return Array.isArray(waiting) ? waiting : [];
  }

  /** @param {LiveChat.Call} call @returns {boolean} */
  function call(...[name, ...args]) {
    const [values] = args;
    return safely(() => (name === "update" ? update(values) : /** @type {any} */ (room)[name](...args))) !== false;
  }

  // Attributes: several changes in a row are one message, and without a change there is none.

  /** @param {LiveChat.Meta} attributes */
  function update(attributes) {
    Object.assign(changes, attributes);
    sending = sending || setTimeout(send, 300);
  }

  async function send() {
    const { era } = chat;
    if (stale()) await check();
    if (era !== chat.era || chat.state !== "ready") return;
    const news = Object.fromEntries(Object.entries(changes).filter(([name, value]) => sent[name] !== value));
    sending = undefined;
    changes = {};
    Object.assign(sent, news);
    if (Object.keys(news).length) safely(() => room.update(news));
  }

  // Who it is, says our own server.

  /** @returns {Promise<LiveChat.Identity | null>} null when there is no answer, or none that makes sense */
  function ask() {
    asking = asking || fetchIdentity().catch((error) => {
      console.warn("livechat:", error);
      return null;
    }).finally(() => { asking = null; });
    return asking;
  }

  async function fetchIdentity() {
    const address = `${core.base}identity?provider=${vendor.name}`;
    const answer = await fetch(address, { credentials: "same-origin", cache: "no-store", signal: AbortSignal.timeout?.(15000) });
    if (!answer.ok) throw new Error(`identity: ${answer.status}`);
    const found = await answer.json();
    if (typeof found.who !== "string" || !Array.isArray(found.events)) throw new Error("identity: not an answer");
    asked = performance.now();
    const date = Date.parse(answer.headers.get("Date") || "");
    if (date) skew = date - Date.now();
    return found;
  }

  function introduce() {
    told = chat.page;
    return room.identify(told);
  }

  /** @param {LiveChat.Identity} found */
  function adopt({ visitor, proof, who, context, events }) {
    if (told.who === who) Object.assign(told, { visitor, proof }); // the adapter's next message has the new proof
    Object.assign(chat.page, { visitor, proof, who });
    Object.assign(chat.page.context, context);
    chat.page.events.push(...events.splice(0)); // once, however many have asked
  }

  /** Whether it is still the same visitor; a new proof before the old one is worth nothing. */
  async function check() {
    const { era } = chat;
    const old = stale();
    const found = await ask();
    if (era !== chat.era) return;
    if (found && found.who !== told.who) {
      core.logout();
      return adopt(found);
    }
    if (found) {
      const changed = old || JSON.stringify(found.visitor) !== JSON.stringify(told.visitor);
      adopt(found);
      if (changed) safely(introduce);
      if (chat.state === "ready") settle();
    }
    plan();
  }

  /** How long the token lives yet, in ms. */
  function left() {
    const { proof } = chat.page;
    return proof && proof.expires ? Number(proof.expires) * 1000 - Date.now() - skew : Infinity;
  }

  function stale() {
    return left() < MARGIN;
  }

  function plan() {
    clearTimeout(renewal);
    const pause = Math.max(left() - MARGIN / 2, MARGIN / 2);
    if (pause < 2 ** 31) renewal = setTimeout(() => document.hidden || check(), pause);
  }

  /** The page is looked at again. @param {boolean} restored from the back/forward cache */
  function wake(restored) {
    if (chat.state !== "ready") doubt = restored || doubt;
    else if (chat.page.who && (restored || stale() || performance.now() - asked > BELIEVED)) check();
  }

  // Pages that are swapped.

  /** There is a new page. */
  async function turn() {
    const { page, era } = chat;
    const { who, visitor, proof } = told;
    if (page.who === null) {
      const found = await ask();
      if (era !== chat.era || page !== chat.page) return;
      if (found) adopt(found);
      else Object.assign(page, { who, visitor, proof }); // no answer: it stays whoever it is
    } else if (page.who === who) {
      Object.assign(page, { visitor, proof }); // the page may be a copy with an older proof
    }
    if (page.who !== who && who && chat.state !== "ended") {
      const { context, events } = page;
      const next = { who: page.who, visitor: page.visitor, proof: page.proof, context, events };
      core.logout();
      Object.assign(page, next);
    }
    if (chat.state === "ready") {
      settle();
      plan();
    } else if (chat.state !== "loading") {
      core.drawButton();
      core.schedule();
    }
  }

  /** An iframe that leaves the document loses what it holds; `moveBefore` keeps it. Where a browser has none, elements
   * with a frame stay where they are. @param {Element} from @param {Element} to */
  function keep(from, to) {
    for (const node of safely(() => document.querySelectorAll(vendor.elements)) || []) {
      if (node.parentElement !== from) continue;
      void getComputedStyle(to).display; // into a body without styles yet, Chromium moves with animations begun anew
      const { moveBefore } = /** @type {any} */ (to);
      if (moveBefore) safely(() => moveBefore.call(to, node, null));
      else if (!node.querySelector("iframe")) to.append(node);
    }
  }

  // The end.

  /** @param {boolean=} late the vendor has arrived after the end */
  async function end(late = false) {
    clearTimeout(renewal);
    clearTimeout(sending);
    sending = undefined;
    changes = {};
    told = chat.page;
    if (!touched || (ended && !late)) return ending;
    ended = true;
    const patience = new Promise((/** @type {(value?: undefined) => void} */ done) => setTimeout(done, 3000));
    ending = Promise.race([safely(() => room.end()), patience])
      .catch((error) => console.warn("livechat:", error))
      .then(() => void core.sweep()); // what the vendor wrote while it ended
    await ending;
  }

  // What the vendor reports.

  /** @param {string} name @param {{status?: LiveChat.Api["status"], count?: number}} detail */
  function report(name, detail = {}) {
    if (name === "open" || name === "close") {
      if (chat.open === (name === "open")) return; // vendors repeat themselves
      chat.open = name === "open";
      core.drawButton();
      if (name === "close") setTimeout(giveFocusBack);
    }
    if (name === "message") core.remember("going", "1");
    if (name === "status") {
      if (detail.status === chat.status) return;
      chat.status = detail.status || null;
      if (chat.state === "ready") obey();
    }
    if (name === "unread") {
      chat.unread = detail.count || 0;
      showUnread();
      core.drawButton();
    }
    core.report(name, detail);
  }

  function showUnread() {
    for (const element of document.querySelectorAll("[data-livechat-unread]")) element.textContent = chat.unread ? String(chat.unread) : "";
  }

  /** To the launcher, unless a person has gone on to something else on the page. */
  function giveFocusBack() {
    const { activeElement: active } = document;
    const elsewhere = active && active !== document.body && !active.closest(vendor.elements);
    if (opener && !elsewhere) opener.focus();
    opener = undefined;
  }
}
