/**
 * Comes when somebody asks for the chat, or something of an earlier visitor has to end first: who is started and who
 * has left, what waits for the vendor, tokens, pages that are swapped, other tabs. It knows no vendor; the adapter in
 * the same file does. Whose chat it is stands in visitor.js.
 *
 * @param {LiveChat.Core} core @param {LiveChat.Rest} rest of what the server writes in
 * @param {LiveChat.MakeAdapter} makeAdapter @returns {LiveChat.Session}
 */
function session(core, rest, makeAdapter) {
  const { chat, doc, safely, stored } = core;
  const vendor = { ...core.vendor, ...rest };
  /** What a vendor must not read in an address. What the server sees of it, it has judged: here are fragment and
   * referrer. */
  const SECRET = /[?#&][\w-]*(token|secret|passw|signature|jwt|otp|ticket)[\w-]*=/i;
  const SECRET_IN_FRAGMENT = /[?#&](code|key|pw|pass|pin|bearer|invite)=/i;
  const PATIENCE = 20000; // ms until a vendor that does not answer counts as failed
  const RETRY_MS = 4500; // the same after a failure: the page may still be left for the click
  const PROMPT_MS = 5000; // ms after a click until the page is not left for it any more
  const BELIEVED = 5 * 60 * 1000; // ms for which a page's or our own server's word on who is logged in holds
  const MARGIN = Math.min(60, rest.life / 2) * 1000; // ms before its end at which a token is renewed
  const SHOWN = ["open", "tour", "article"]; // calls that somebody sees something of
  /** Whom the vendors do not start for: that is no failure. */
  const CRAWLERS = /bot|crawl|spider|slurp|lighthouse|gtmetrix|facebookexternalhit/i;
  const GONE_MS = 1000; // for which the vendor's elements are out of the document until they count as lost
  /** Around these the vendor's elements stand beside the body, which Turbo and htmx (2 and 4) are about to replace. */
  const BEFORE = "turbo:before-cache turbo:before-render htmx:beforeHistorySave htmx:beforeSwap htmx:before:swap";
  const AFTER = "turbo:render turbo:load htmx:afterSwap htmx:historyRestore htmx:after:swap";
  /** Every way from one state to another; what is not here does not happen. @type {LiveChat.Edges} */
  const EDGES = {
    waiting: { start: "loading", end: "waiting" },
    loading: { ready: "ready", fail: "failed", end: "ended" },
    ready: { restart: "loading", fail: "failed", end: "ended" },
    failed: { start: "loading", ready: "ready", end: "ended" },
    ended: { start: "loading", end: "ended" },
  };
  /** @type {LiveChat.SessionState} */
  const state = {
    generation: 0,
    freshSession: false,
    identifiedPage: chat.page,
    launcherVisible: true,
    ending: Promise.resolve(),
    vendorScript: null,
    failureReason: "blocked",
    clockSkewMs: 0,
    ratings: Promise.resolve(),
    sentAttributes: {},
    changedAttributes: {},
  };
  const store = visitorStore(core, vendor, state);
  const adapter = makeAdapter(vendor, {
    doc, vendorLauncher, safely, global, unset, load, ready, failed: fail, report, sweepLater: store.scheduleSweeps,
    unsupported, warn,
  });
  /** What the console was told already. @type {Set<string>} */
  const said = new Set();

  if (outOfCache()) chat.identityStale = true;
  if (chat.state === "loading") chat.state = "waiting"; // said by the first file; the edge is taken here
  chat.gone = () => chat.state === "ready" && gone();
  place(chat.page);
  store.cleanUp();
  listen();
  carryOn();
  for (const asked of chat.kept.splice(0)) call(...asked);
  return { start, call, onPageSwap, warm };

  // States.

  /** Takes an edge, if there is one. @param {LiveChat.Step} event @returns {boolean} */
  function move(event) {
    const to = EDGES[chat.state][event];
    if (!to) return false;
    clearTimeout(state.startTimer);
    if (event === "fail" || event === "end") state.generation += 1; // what began before must not go on after it
    if (to === "loading") {
      state.startTimer = setTimeout(() => fail("timeout"), state.failedBefore ? RETRY_MS : PATIENCE);
    }
    state.failedBefore = to === "failed" || (state.failedBefore && to !== "ready");
    chat.state = to;
    core.draw();
    return true;
  }

  /** @param {string} why */
  function fail(why) {
    if (!move("fail")) return;
    const asked = state.pendingOpen;
    state.pendingOpen = undefined;
    if (!navigator.onLine) why = "offline";
    core.report("failed", { reason: why });
    if (vendor.failures && !CRAWLERS.test(navigator.userAgent)) post("failures", { reason: why });
    // Its timer says whether it is late: a clock may jump.
    if (asked) core.openFallback(asked.launcher, asked.late ? 0 : Math.max(asked.clicked, Date.now() - RETRY_MS));
  }

  // What is asked for.

  /** @param {LiveChat.Call} asked @returns {any} */
  function call(...asked) {
    const [name, value] = asked;
    const shows = SHOWN.includes(name);
    if (name === "open") return open(value, asked[2], asked[3]);
    if (name === "logout") return logout();
    if (name === "consent") return refuse(value);
    if (shows && !vendor.can.includes(name)) return unsupported(name);
    if (chat.state === "ready") return tell(...asked);
    if (chat.kept.length < 100) chat.kept.push(asked);
    if (shows) start(true);
    return true;
  }

  /** @param {string=} text @param {HTMLElement=} launcher @param {number} clicked ms since 1970 @returns {boolean} */
  function open(text, launcher, clicked = Date.now()) {
    const { load, settings } = chat.page;
    const shut = settings.closed && settings.offline === "hide"
      && (vendor.fallback || launcher instanceof HTMLAnchorElement);
    if (load === "off" || exposed() || (chat.state !== "ready" && (shut || !core.hasConsent(true)))) {
      return core.openFallback(launcher, clicked);
    }
    /** @type {LiveChat.PendingOpen} */
    const asked = state.pendingOpen = { text, launcher, clicked };
    if (gone()) comeBack(true);
    if (chat.state === "ready") settle();
    else start(true);
    // After the start: where a clock jumps, the limit of that ends first.
    setTimeout(() => { asked.late = true; }, clicked + PROMPT_MS - Date.now());
    return true;
  }

  /** What made the last page reload. */
  function carryOn() {
    const text = safely(() => sessionStorage.getItem(core.keyOf("reopen")));
    if (text == null) return;
    safely(() => sessionStorage.removeItem(core.keyOf("reopen")));
    const [, name, value] = text.match(/^(open|tour|article):([^]*)$/) || ["", "open", text];
    call(/** @type {"open"} */ (name), value);
  }

  /** What somebody has asked to see, and waits for the vendor. @returns {LiveChat.Call | undefined} */
  function waiting() {
    return state.pendingOpen ? ["open", state.pendingOpen.text] : chat.kept.find(([name]) => SHOWN.includes(name));
  }

  /** @param {LiveChat.Call} asked @returns {boolean} */
  function tell(...[name, ...args]) {
    const [value, meta = {}] = args;
    if (name === "update") return update(value), true;
    if (name === "show" || name === "hide") {
      // An open panel goes, too, where the vendor's launcher is not to be seen anyway.
      state.launcherVisible = state.launcherVisible || name === "hide";
      applyRules();
      return true;
    }
    return safely(() => (
      name === "track" ? adapter.track(value || "", meta) : /** @type {any} */ (adapter)[name](...args)
    )) !== false;
  }

  // Starting.

  /** Fetches what a start would need, without running any of it. */
  function warm() {
    if (state.hintsAdded || state.vendorScript || exposed()) return;
    state.hintsAdded = true;
    const { crossorigin: crossOrigin } = vendor;
    for (const href of vendor.hosts) hint({ rel: "preconnect", href });
    hint({ rel: "preload", as: "script", href: new URL(vendor.script, core.base).href, crossOrigin });
  }

  /** Whether the vendor would read a secret. A page may take it out of its address: then the next click finds it gone.
   */
  function exposed() {
    return SECRET.test(location.hash + doc.referrer) || SECRET_IN_FRAGMENT.test(location.hash);
  }

  /** @param {object} more */
  function hint(more) {
    doc.head.append(Object.assign(doc.createElement("link"), more));
  }

  /** @param {boolean=} clicked whether a person asked for it, here and now */
  async function start(clicked) {
    // With a body that is no more: only a page load brings it back, for somebody who asks.
    const missing = state.elementsLost && gone();
    if (exposed() || !core.hasConsent(clicked) || (missing && !clicked) || !move("start")) return;
    core.stop();
    if (clicked && chat.page.settings.consent === "click") store.remember("consent", "yes");
    const mine = state.generation;
    await state.ending;
    const asked = chat.page;
    const named = asked.who;
    const earlier = state.globalsSet && state.identifiedPage.who; // an earlier try may have been for somebody else
    if (doubtful()) asked.who = null;
    while (chat.page.who === null) { // which another page may have taken the place of
      const before = store.hasLogoutMark();
      const { page } = chat;
      const found = await ask();
      if (mine !== state.generation) return; // logged out meanwhile: what was answered is about somebody who has left
      if (page !== chat.page) continue; // the answer is older than the page
      // Never as nobody in particular: the vendor may still hold somebody's session.
      if (!found) return fail("identity");
      if (before || !store.hasLogoutMark()) adopt(found, asked === chat.page ? named : null);
    }
    if (mine !== state.generation) return;
    const { page } = chat;
    const who = /** @type {string} */ (page.who);
    store.checkOwner(who);
    store.setOwner(who);
    state.whoStored = chat.last === who;
    chat.identityStale = false;
    if (earlier && who !== earlier) await end();
    if (mine !== state.generation) return;
    if (state.sessionEnded) return resume();
    if (state.elementsLost && gone()) return reload();
    if (!state.globalsSet) {
      state.globalsSet = true;
      state.launcherVisible = vendorLauncher();
      state.sentAttributes = { ...page.context };
      state.identifiedPage = page;
      if (!safely(() => (adapter.start(page, state.freshSession), true))) {
        state.globalsSet = false; // the next click tries all of it again
        return fail("error");
      }
      state.freshSession = false;
    }
    load();
  }

  /** Whether it has to be asked who it is: the page may have lain there while somebody logged out, or in, elsewhere. */
  function doubtful() {
    const { who, settings } = chat.page;
    const now = stored("who");
    if (settings.identify === false) return false;
    const known = who || now || store.knownOwner(); // where nobody is, an older page takes nobody's chat away
    return (now !== chat.last && now !== who) || (!!known && (chat.identityStale || stale() || old()));
  }

  function old() {
    return Date.now() - chat.since > BELIEVED;
  }

  function load() {
    if (state.vendorScript) state.vendorScript.remove(); // an earlier try
    state.failureReason = "blocked";
    state.scriptAnswered = false;
    const mine = state.vendorScript = core.inject(vendor.script, {
      charset: "UTF-8",
      crossOrigin: vendor.crossorigin,
      onheld: neutralised,
      onload: () => (state.failureReason === "error" ? fail(state.failureReason) : safely(() => adapter.loaded?.())),
      // The policy's violation is told at about the same time: hence the pause.
      onerror: () => setTimeout(() => state.vendorScript === mine && fail(state.failureReason), 50),
    });
  }

  /** A consent manager gives a script that it holds back a type that no browser runs: no event tells of it. */
  function neutralised() {
    warn(`something on this page, a consent manager say, has held ${vendor.title}'s script back (type="${
      state.vendorScript?.type}"). Let it through, or tell it of the consent: LIVECHAT_CONSENT.`);
    fail("blocked");
  }

  /** After an end the vendor's script is still there. */
  async function resume() {
    const mine = state.generation;
    await state.ending;
    state.sessionEnded = false;
    if (state.vendorAnswered && (await safely(introduce)) !== false) return void (mine === state.generation && ready());
    // It never came, or keeps what it knows of a visitor for as long as the page lives: go on in a new one, if a person
    // asks.
    state.sessionEnded = true;
    if (!waiting()) return void move("end");
    reload();
  }

  /** In a new page goes on what waits. */
  function reload() {
    const [name, value] = waiting() || [];
    safely(() => sessionStorage.setItem(core.keyOf("reopen"), `${name}:${value ?? ""}`));
    location.reload();
  }

  function ready() {
    const late = !state.vendorAnswered;
    state.vendorAnswered = true;
    if (state.sessionEnded) return void (late && end(true)); // whoever this was started for has left
    state.scriptAnswered = true;
    if (chat.state === "ready") return; // a vendor may say it again, during a visit that takes its elements along
    if (gone()) return restart(); // while it was loading
    if (!move("ready")) return;
    if (!state.elementsLost) report("ready"); // the page has been told before
    state.elementsLost = false;
    if (state.fromCache && chat.page.who) check();
    state.fromCache = false;
    plan();
    settle();
  }

  /** What waited: the page's rule and attributes, events of earlier pages, calls, a tour, and the one open. */
  function settle() {
    const { page } = chat;
    // Somebody has logged in, by a swapped page or while the vendor was on its way.
    if (page.who !== null && page.who !== state.identifiedPage.who) {
      store.setOwner(page.who);
      safely(introduce);
    }
    applyRules();
    update(page.context);
    for (const event of [...store.takeStoredEvents(), ...page.events.splice(0)]) {
      safely(() => tell("track", event.name, event.metadata));
    }
    const { tour } = page.settings;
    page.settings.tour = undefined;
    if (tour != null) call("tour", tour);
    for (const waiting of chat.kept.splice(0)) call(...waiting);
    const asked = state.pendingOpen;
    state.pendingOpen = undefined;
    if (!asked) return;
    state.openedFrom = asked.launcher;
    safely(() => adapter.open(asked.text));
    countOpen(); // not every vendor tells that it is open
  }

  /** The page's rule, and what the vendor says of its agents. */
  function applyRules() {
    const shown = vendorLauncher()
      && !(chat.page.settings.offline === "hide" && chat.status && chat.status !== "online");
    if (shown !== state.launcherVisible) safely(() => (shown ? adapter.show() : adapter.hide()));
    state.launcherVisible = shown;
    showUnread();
    core.draw();
  }

  // Attributes: several changes in a row are one message, and without a change there is none.

  /** @param {LiveChat.Meta} attributes */
  function update(attributes) {
    Object.assign(state.changedAttributes, attributes);
    state.updateTimer = state.updateTimer || setTimeout(send, 300);
  }

  async function send() {
    const mine = state.generation;
    if (stale()) await check();
    if (mine !== state.generation || chat.state !== "ready") return;
    const news = Object.fromEntries(
      Object.entries(state.changedAttributes).filter(([name, value]) => state.sentAttributes[name] !== value));
    state.updateTimer = undefined;
    state.changedAttributes = {};
    Object.assign(state.sentAttributes, news);
    if (Object.keys(news).length) safely(() => adapter.update(news));
  }

  // Who it is, says our own server.

  /** Several who ask of the same page share one question. @returns {Promise<LiveChat.Identity | null>} null when there
   * is no answer, or none that makes sense */
  function ask() {
    if (state.identityRequest) return state.identityRequest;
    const mine = state.identityRequest = fetchIdentity().catch((error) => {
      console.warn("livechat:", error);
      return null;
    }).finally(() => { if (state.identityRequest === mine) state.identityRequest = undefined; });
    return mine;
  }

  async function fetchIdentity() {
    const address = `${core.base}identity?provider=${vendor.name}`;
    const answer = await fetch(address, {
      credentials: "same-origin", cache: "no-store", signal: AbortSignal.timeout?.(15000),
    });
    if (!answer.ok) throw new Error(`identity: ${answer.status}`);
    const found = await answer.json();
    if (typeof found.who !== "string" || !Array.isArray(found.events)) throw new Error("identity: not an answer");
    chat.since = Date.now();
    const date = Date.parse(answer.headers.get("Date") || "");
    if (date) state.clockSkewMs = date - chat.since;
    return found;
  }

  function introduce() {
    state.identifiedPage = chat.page;
    Object.assign(state.sentAttributes, state.identifiedPage.context); // comes with it
    return adapter.identify(state.identifiedPage);
  }

  /** @param {LiveChat.Identity} found @param {string | null=} named by the page itself */
  function adopt({ visitor, proof, who, context, events }, named) {
    const { page } = chat;
    if (named && named !== who) Object.assign(page, { context: {}, events: [] }); // somebody else's
    // The adapter's next message has the new proof.
    if (state.identifiedPage.who === who) Object.assign(state.identifiedPage, { visitor, proof });
    Object.assign(page, { visitor, proof, who });
    Object.assign(page.context, context);
    page.events.push(...events.splice(0)); // once, however many have asked
  }

  /** Whether it is still the same visitor; a new proof before the old one is worth nothing. Several who ask share one.
   */
  function check() {
    if (state.identityCheck) return state.identityCheck;
    const mine = state.identityCheck = compare().finally(() => {
      if (state.identityCheck === mine) state.identityCheck = undefined;
    });
    return mine;
  }

  async function compare() {
    const mine = state.generation;
    const over = stale();
    const { page } = chat;
    const found = await ask();
    if (mine !== state.generation || page !== chat.page) return;
    if (found && found.who !== state.identifiedPage.who) {
      logout();
      return adopt(found);
    }
    if (found) {
      const changed = over || JSON.stringify(found.visitor) !== JSON.stringify(state.identifiedPage.visitor);
      adopt(found);
      if (changed) safely(introduce);
      if (chat.state === "ready") settle();
    }
    plan();
  }

  /** How long the token lives yet, in ms. */
  function left() {
    const { proof } = chat.page;
    return proof?.expires ? Number(proof.expires) * 1000 - Date.now() - state.clockSkewMs : Infinity;
  }

  function stale() {
    return left() < MARGIN;
  }

  function plan() {
    clearTimeout(state.renewalTimer);
    const pause = Math.max(left() - MARGIN / 2, MARGIN / 2);
    if (pause < 2 ** 31) state.renewalTimer = setTimeout(() => doc.hidden || check(), pause);
  }

  // Pages that are swapped.

  /** Turbo, htmx and whatever else swaps pages all change the data block. */
  function onPageSwap() {
    // A preview is an old copy. It is there for a while after its mark has gone.
    state.previewShown = state.previewShown || doc.documentElement.hasAttribute("data-turbo-preview");
    if (state.previewShown) return;
    // A vendor may take its elements along for a moment, at a visit of Turbo say: hence the pause.
    if (chat.state === "ready" && gone()) setTimeout(() => gone() && comeBack(true), GONE_MS);
    else if (state.elementsLost && chat.state === "loading" && (state.scriptAnswered || !adapter.swapped)
      && !gone()) ready();
    // A new element is a new page, also where it says the same: it may be somebody else's.
    if (core.block() === chat.block && core.blockText() === chat.blockText) return;
    chat.block = core.block();
    chat.blockText = core.blockText();
    const next = core.readPage();
    if (next && next.provider !== vendor.name) return location.reload(); // another vendor needs a page of its own
    const page = next || { ...chat.page, load: "off", events: [], left: false };
    if (page.left || store.hasLogoutMark()) leave();
    core.stop();
    const before = chat.page;
    const named = page.who;
    chat.page = page;
    state.identityRequest = state.identityCheck = undefined; // what is asked already is about the page before
    if (!page.copy) chat.since = Date.now();
    place(page);
    if (before.who && named !== before.who) chat.kept = []; // what that visitor did
    // It may be a copy from before a login or a logout: the server says.
    if (chat.page.settings.identify !== false && named !== before.who && (named || before.who)) page.who = null;
    if (chat.state !== "waiting" && core.denied()) refuse(); // withdrawn on the server
    turn(named);
  }

  /** @param {string | null} named by the page itself */
  async function turn(named) {
    const { page } = chat;
    const mine = state.generation;
    const { who, visitor, proof } = state.identifiedPage;
    if (chat.state === "waiting") {
      store.cleanUp();
    } else if (page.who === null) {
      const found = await ask();
      if (page !== chat.page) return;
      // Ended meanwhile, by a logout's mark that was seen late: this page goes on, and its start asks again.
      if (mine === state.generation && found) adopt(found, named);
      // No answer ends nobody's chat.
      else if (mine === state.generation && named === null && !who) Object.assign(page, { who, visitor, proof });
    } else if (page.who === who) {
      Object.assign(page, { visitor, proof }); // the page may be a copy with an older proof
    }
    if (page.who !== who && who && !["waiting", "ended"].includes(chat.state)) {
      const next = { ...page };
      logout();
      Object.assign(page, next);
    }
    if (chat.state === "ready") {
      settle();
      plan();
    } else if (chat.state !== "loading") {
      core.draw();
      core.schedule();
    }
  }

  /** An iframe that leaves the document loses what it holds; `moveBefore` keeps it. Where a browser has none, elements
   * with a frame stay where they are. @param {Element} from @param {Element} to */
  function keep(from, to) {
    for (const node of safely(() => doc.querySelectorAll(vendor.elements)) || []) {
      if (node.parentElement !== from) continue;
      void getComputedStyle(to).display; // into a body without styles yet, Chromium moves with animations begun anew
      const { moveBefore } = /** @type {any} */ (to);
      const giveRulesBack = takeRules(node);
      if (moveBefore) safely(() => moveBefore.call(to, node, null));
      else if (!node.matches("iframe") && !node.querySelector("iframe")) to.append(node);
      giveRulesBack();
    }
  }

  /** Whether the vendor's elements have left the document. Not where none was ever seen: a newer script's may be
   * others. */
  function gone() {
    const there = !!safely(() => (adapter.present ? adapter.present() : doc.querySelector(vendor.elements)));
    state.elementsSeen = state.elementsSeen || there;
    return state.elementsSeen && !there;
  }

  /** What could not be moved is started anew, or puts itself back. @param {boolean=} missing it has not, so far */
  function comeBack(missing) {
    if (chat.state !== "ready") return;
    const anew = safely(() => adapter.swapped?.());
    if (!anew && (!missing || adapter.swapped)) return;
    state.elementsLost = move("restart");
    if (chat.open) state.pendingOpen = state.pendingOpen || { clicked: Date.now() };
    chat.open = false;
    if (anew) load();
  }

  function restart() {
    state.elementsLost = true;
    if (safely(() => adapter.swapped?.())) load();
  }

  /** Rules that a script has put into a style element are lost when it is moved. @param {Element} node */
  function takeRules(node) {
    const styles = [...node.querySelectorAll("style")].map((style) => ({
      style, rules: [...style.sheet?.cssRules || []].map((rule) => rule.cssText),
    }));
    return () => {
      for (const { style: { sheet }, rules } of styles) {
        if (!sheet || sheet.cssRules.length) continue;
        for (const rule of rules) safely(() => sheet.insertRule(rule, sheet.cssRules.length));
      }
    };
  }

  /** @param {LiveChat.Page} page */
  function place({ settings }) {
    const side = () => (getComputedStyle(doc.body || doc.documentElement).direction === "rtl" ? "left" : "right");
    /** @type {Partial<LiveChat.Position>} */
    const chosen = settings.position;
    settings.position = { get side() { return side(); }, x: 20, y: 20, mobile_x: 10, mobile_y: 70, ...chosen };
  }

  /** Whether the vendor's own button is to be seen on this page. */
  function vendorLauncher() {
    return !chat.page.settings.launcher && !chat.hidden && !core.hidden() && chat.page.load !== "off";
  }

  // Other tabs, and the page that is looked at again.

  /** A page that was made before this moment may speak of somebody who has left since: out of the HTTP cache, fetched
   * or rendered ahead, or a service worker's. */
  function outOfCache() {
    const [entry] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
    const { type, deliveryType, activationStart, transferSize, workerStart } =
      /** @type {any} */ (entry || { transferSize: 1 });
    return type === "back_forward" || !!deliveryType || activationStart > 0 || !transferSize || workerStart > 0;
  }

  /** Other tabs: what they forget or remember shows in the storage; a logout's mark, as soon as a response has set it.
   */
  function listen() {
    addEventListener("storage", ({ key, newValue }) => {
      if (key === null || key === core.keyOf("who")) elsewhere(newValue, key === null);
      if (key === core.keyOf("consent") && !newValue && chat.page.settings.consent) refuse();
    });
    safely(() => window.cookieStore?.addEventListener("change", () => store.hasLogoutMark() && leave()));
    addEventListener("focus", () => wake());
    addEventListener("pageshow", ({ persisted }) => persisted && wake(true));
    addEventListener("pagehide", () => (core.hasConsent() ? store.sweepIfEnded() : store.sweepTraces()));
    addEventListener("error", () => { if (doc.currentScript === state.vendorScript) state.failureReason = "error"; });
    addEventListener("securitypolicyviolation", ({ blockedURI, sourceFile }) => {
      if (!state.vendorScript) return;
      if (state.vendorScript.src.startsWith(blockedURI)) state.failureReason = "csp";
      // Where Trusted Types are required the vendor's own script may not load its parts, and may not say so.
      if (blockedURI === "trusted-types-sink" && sourceFile.startsWith(new URL(state.vendorScript.src).origin)
        && chat.state === "loading") fail("csp");
    });
    matchMedia("(max-width: 640px)").addEventListener("change", () => { if (chat.state === "ready") applyRules(); });
    doc.addEventListener("visibilitychange", () => doc.hidden || wake());
    doc.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && chat.open && core.within(event, "[data-livechat-open]")) call("close");
    });
    doc.addEventListener("turbo:before-render", () => { state.previewShown = false; });
    for (const name of BEFORE.split(" ")) doc.addEventListener(name, () => keep(doc.body, doc.documentElement));
    for (const name of AFTER.split(" ")) doc.addEventListener(name, () => {
      keep(doc.documentElement, doc.body);
      comeBack();
      showUnread(); // what came may be the same page again, or a part of one
    });
  }

  /** The page is looked at again. @param {boolean=} persisted out of the back/forward cache */
  function wake(persisted) {
    if (store.hasLogoutMark()) leave(); // its mark stays for the page that follows the logout
    if (state.whoStored && stored("who") !== chat.page.who) elsewhere(stored("who"), store.findTraces().length > 0);
    if (chat.state !== "ready") state.fromCache = persisted || state.fromCache;
    else if (chat.page.who && (persisted || stale() || old())) check();
  }

  function leave() {
    const over = !chat.page.who && chat.state !== "ready"; // a start takes the mark into account
    if (!over) logout();
  }

  /** Another tab has somebody else, or nobody. Somebody who was anonymous there and has logged in keeps the chat; a
   * chat that has not started looks for itself when it does. @param {string | null} who @param {boolean} cleared the
   * storage was, and not by an end: of nobody there was nothing in it to forget */
  function elsewhere(who, cleared) {
    const { who: mine } = chat.page;
    if (who === null && mine === "" && cleared) return void (state.whoStored && store.setOwner(""));
    if (chat.state !== "waiting" && mine !== null && who !== mine && !(who && !mine)) logout();
  }

  /** A yes that the page or the browser refuses, or a no. It goes for every vendor. @param {boolean=} given */
  function refuse(given) {
    if (given) return warn("consent is refused by the browser's Global Privacy Control, or by the page.");
    store.forgetConsent();
    chat.agreed = false;
    logout();
  }

  // The end.

  /** Ends this visitor's chat now. @returns {Promise<void>} */
  async function logout() {
    // Somebody else was started in another tab.
    const taken = state.whoStored && ![null, state.identifiedPage.who].includes(stored("who"));
    core.stop();
    move("end");
    Object.assign(chat, { kept: [], open: false, unread: 0 });
    state.pendingOpen = undefined;
    state.whoStored = false;
    // Whoever asks for the chat after this: our server says who it is.
    Object.assign(chat.page, {
      visitor: null, proof: null, who: chat.page.who === "" ? "" : null, context: {}, events: [],
    });
    // Cookies first: a click on "log out" may leave the page before the vendor has answered.
    if (!taken) store.forgetVisitor();
    core.draw();
    showUnread();
    await end();
  }

  /** @param {boolean=} late the vendor has arrived after the end */
  async function end(late) {
    clearTimeout(state.renewalTimer);
    clearTimeout(state.updateTimer);
    state.updateTimer = undefined;
    state.changedAttributes = {};
    state.identifiedPage = chat.page;
    state.elementsLost = state.elementsLost && !adapter.swapped; // what can be started anew is
    if (!state.globalsSet || (state.sessionEnded && !late)) return state.ending;
    state.sessionEnded = true;
    const patience = new Promise((/** @type {(value?: undefined) => void} */ done) => setTimeout(done, 3000));
    state.ending = Promise.race([safely(() => adapter.end()), patience])
      .catch((error) => console.warn("livechat:", error))
      .then(store.scheduleSweeps);
    await state.ending;
  }

  // What the vendor reports.

  /** @param {string} name @param {{status?: LiveChat.Api["status"], count?: number, rating?: number, scale?: string}}
   * detail */
  function report(name, detail = {}) {
    if (name === "open" || name === "close") {
      if (!!chat.open === (name === "open")) return; // vendors repeat themselves
      chat.open = name === "open";
      core.draw();
      if (chat.open) countOpen();
      if (chat.open && chat.unread) report("unread", { count: 0 });
      seen();
      if (name === "close") setTimeout(giveFocusBack);
    }
    if (name === "message") {
      store.remember("going", "1");
      if (chat.open) seen();
    }
    // No webhook tells thumbs.
    if (detail.scale === "-1..1") state.ratings = state.ratings.then(() => rate(String(detail.rating)));
    if (name === "status") {
      if (detail.status === chat.status) return;
      chat.status = detail.status || null;
      if (chat.state === "ready") applyRules();
    }
    if (name === "unread") {
      chat.unread = detail.count || 0;
      showUnread();
      core.draw();
    }
    core.report(name, detail);
  }

  /** What figures are made of where no webhook tells: of nobody, and once a visit. */
  function countOpen() {
    const key = core.keyOf("open");
    if (!vendor.kept || safely(() => sessionStorage.getItem(key))) return;
    safely(() => sessionStorage.setItem(key, "1"));
    post("opens", { open: 1 });
  }

  /** A thumb takes back the one before by what the server gave for that. One after the other. @param {string} value */
  async function rate(value) {
    const [key, receiptKey] = ["rating", "receipt"].map(core.keyOf);
    if (!vendor.kept || safely(() => sessionStorage.getItem(key)) === value) return;
    safely(() => sessionStorage.setItem(key, value));
    const answer = await post("opens", {
      rating: Number(value), receipt: safely(() => sessionStorage.getItem(receiptKey)) || null,
    });
    const given = answer && answer.ok && await answer.json().catch(() => null);
    if (given) safely(() => (
      given.receipt ? sessionStorage.setItem(receiptKey, given.receipt) : sessionStorage.removeItem(receiptKey)
    ));
  }

  /** What was said until now is read, by somebody who is known. */
  function seen() {
    if (vendor.kept && state.identifiedPage.who) post("unread", {}, "same-origin");
  }

  /** To our own server, and whatever becomes of it. @param {string} where @param {object} what @param
   * {RequestCredentials} credentials */
  function post(where, what, credentials = "omit") {
    return safely(() => fetch(core.base + where, {
      method: "POST", keepalive: true, credentials,
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ provider: vendor.name, ...what }),
    }).catch(() => {}));
  }

  function showUnread() {
    for (const element of doc.querySelectorAll("[data-livechat-unread]")) {
      element.textContent = chat.unread ? String(chat.unread) : "";
    }
  }

  /** To the launcher, unless a person has gone on to something else on the page. */
  function giveFocusBack() {
    const { activeElement: active } = doc;
    const elsewhere = active && active !== doc.body && !Element.prototype.closest.call(active, vendor.elements);
    if (state.openedFrom && !elsewhere) state.openedFrom.focus();
    state.openedFrom = undefined;
  }

  // For the console.

  /** @param {string} what @returns {false} */
  function unsupported(what) {
    warn(`${what} is not supported by ${vendor.title}.`);
    return false;
  }

  /** @param {string} name */
  function global(name) {
    return Object.hasOwn(window, name) ? window[name] : undefined;
  }

  /** @param {string} text */
  function warn(text) {
    if (!said.has(text)) console.warn(`livechat: ${text}`);
    said.add(text);
  }

  /** A variable that a page's own script has declared cannot be deleted. @param {string} name */
  function unset(name) {
    if (Reflect.deleteProperty(window, name)) return;
    warn(`the page declares ${name} itself, which decides who is started. Take ${
      vendor.title}'s own snippet out of the page.`);
    window[name] = undefined;
  }
}
