/**
 * The session comes when somebody asks for the chat, or when something of an earlier visitor has to end first. It holds
 * the states, the calls that wait for the vendor, identity and tokens, swapped pages and other tabs. visitor.js knows
 * whose chat it is. The vendor's adapter, in the same served file, is the only part that knows a vendor.
 *
 * @param {LiveChat.Core} core @param {LiveChat.Rest} rest of what the server writes in
 * @param {LiveChat.MakeAdapter} makeAdapter @returns {LiveChat.Session}
 */
function session(core, rest, makeAdapter) {
  const { chat, doc, safely, stored } = core;
  const vendor = { ...core.vendor, ...rest };
  /** What a vendor must not read in a fragment or a referrer. The server has judged the rest of the address. */
  const SECRET = /[?#&][\w-]*(token|secret|passw|signature|jwt|otp|ticket)[\w-]*=/i;
  const SECRET_IN_FRAGMENT = /[?#&](code|key|pw|pass|pin|bearer|invite)=/i;
  const TIMEOUT_MS = 20000; // ms until a vendor that does not answer counts as failed
  const RETRY_MS = 4500; // ms for the same after a failure, so that the page may still be left for the click
  const PROMPT_MS = 5000; // ms after a click within which the page may be left for it
  const TRUST_MS = 5 * 60 * 1000; // for which the word of a page or of our server on who is logged in holds
  const RENEWAL_MARGIN_MS = Math.min(60, rest.life / 2) * 1000; // ms before its end at which a token is renewed
  /** The vendors do not start for these, which is no failure. */
  const CRAWLERS = /bot|crawl|spider|slurp|lighthouse|gtmetrix|facebookexternalhit/i;
  const GONE_MS = 1000; // after which the vendor's elements that are out of the document count as lost
  /** Between these events Turbo and htmx (2 and 4) replace the body. The vendor's elements stand beside it then. */
  const BEFORE = "turbo:before-cache turbo:before-render htmx:beforeHistorySave htmx:beforeSwap htmx:before:swap";
  const AFTER = "turbo:render turbo:load htmx:afterSwap htmx:historyRestore htmx:after:swap";
  /** Every way from one state to another. What is not here does not happen. @type {LiveChat.Edges} */
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
  /** Warnings that the console has. @type {Set<string>} */
  const warnings = new Set();

  if (outOfCache()) chat.identityStale = true;
  if (chat.state === "loading") chat.state = "waiting"; // the first file says it early; the edge is taken here
  chat.gone = () => chat.state === "ready" && elementsGone();
  preparePage(chat.page);
  store.cleanUp();
  listen();
  resumeAfterReload();
  for (const queued of chat.queue.splice(0)) call(...queued);
  return { start, call, onPageSwap, warm };

  // States.

  /** Takes an edge if there is one. @param {LiveChat.Step} event @returns {boolean} */
  function takeEdge(event) {
    const to = EDGES[chat.state][event];
    if (!to) return false;
    clearTimeout(state.startTimer);
    if (event === "fail" || event === "end") state.generation += 1; // what began before must not go on after it
    if (to === "loading") {
      state.startTimer = setTimeout(() => fail("timeout"), state.failedBefore ? RETRY_MS : TIMEOUT_MS);
    }
    state.failedBefore = to === "failed" || (state.failedBefore && to !== "ready");
    chat.state = to;
    core.draw();
    return true;
  }

  /** @param {string} reason */
  function fail(reason) {
    if (!takeEdge("fail")) return;
    const pending = state.pendingOpen;
    state.pendingOpen = undefined;
    if (!navigator.onLine) reason = "offline";
    core.report("failed", { reason });
    if (vendor.failures && !CRAWLERS.test(navigator.userAgent)) post("failures", { reason });
    if (!pending) return;
    // A timer says whether the click was long ago, since a clock may jump.
    core.openFallback(pending.launcher, pending.late ? 0 : Math.max(pending.clicked, Date.now() - RETRY_MS));
  }

  // Calls of the page.

  /** Does what a method of window.livechat asks for, now or once the vendor is there.
   * @param {LiveChat.Call} queued @returns {any} */
  function call(...queued) {
    const [name, value, , wish] = queued;
    const once = (wish ?? "false") !== "false" && wish; // "" is an attribute's yes
    const shows = name === "start";
    const [kind, id] = shows ? value.split(":") : [];
    if (name === "open") return open(value, queued[2], queued[3]);
    if (name === "logout") return logout();
    if (name === "consent") return withdrawConsent(value);
    if (shows && !(id && vendor.can.includes(kind))) return unsupported(kind + (id ? "" : " without an id"));
    if (shows && once !== false && store.hasStarted(value)) return core.draw(), true;
    if (chat.state === "ready") return shows ? (startContent(value, once), true) : callAdapter(...queued);
    if (chat.queue.length < 100) chat.queue.push(queued);
    if (shows) start(true);
    return true;
  }

  /** @param {string=} text @param {HTMLElement=} launcher @param {number} clicked ms since 1970 @returns {boolean} */
  function open(text, launcher, clicked = Date.now()) {
    const { load, settings } = chat.page;
    const shut = settings.closed && settings.offline === "hide"
      && (vendor.fallback || launcher instanceof HTMLAnchorElement);
    if (load === "off" || addressHasSecret() || (chat.state !== "ready" && (shut || !core.hasConsent(true)))) {
      return core.openFallback(launcher, clicked);
    }
    /** @type {LiveChat.PendingOpen} */
    const pending = state.pendingOpen = { text, launcher, clicked };
    if (elementsGone()) restartIfLost(true);
    if (chat.state === "ready") replayQueue();
    else start(true);
    // This timer comes after the start's, so that the start's ends first where a clock jumps.
    setTimeout(() => { pending.late = true; }, clicked + PROMPT_MS - Date.now());
    return true;
  }

  /** Repeats the call for which the last page was loaded anew. */
  function resumeAfterReload() {
    const text = inTab("reopen");
    if (text == null) return;
    inTab("reopen", "");
    const saved = safely(() => JSON.parse(text));
    if (saved?.start) call("start", `${saved.start}`, undefined, saved.once);
    else call("open", saved?.open ?? text);
  }

  /** The call that a person made and that waits for the vendor. @returns {LiveChat.Call | undefined} */
  function pendingCall() {
    return state.pendingOpen
      ? ["open", state.pendingOpen.text] : chat.queue.find(([name]) => name === "start");
  }

  /** Passes a call on to the vendor, which is there. @param {LiveChat.Call} queued @returns {boolean} */
  function callAdapter(...[name, ...args]) {
    const [value, meta = {}] = args;
    if (name === "update") return queueAttributes(value), true;
    if (name === "show" || name === "hide") {
      // A hide closes an open panel, too, where the vendor's launcher is hidden anyway.
      state.launcherVisible ||= name === "hide";
      applyRules();
      return true;
    }
    return safely(() => (
      name === "track" ? adapter.track(value || "", meta) : /** @type {any} */ (adapter)[name](...args)
    )) !== false;
  }

  /** Starts a tour, an article or the like, unless it starts once for a visitor and this one has had it.
   * @param {string} content such as "tour:7" @param {LiveChat.Once} once */
  async function startContent(content, once) {
    const { who } = state.identifiedPage;
    if (once === "server" && who) {
      const answer = await ask("starts", { start: content }, "same-origin");
      if (!answer?.first || who !== state.identifiedPage.who) return;
    }
    if (once !== false && store.hasStarted(content, true)) return;
    const [kind, ...id] = content.split(":");
    safely(() => adapter.startContent(kind, id.join(":")));
  }

  // Starting.

  /** Fetches what a start would need, and runs none of it. */
  function warm() {
    if (state.hintsAdded || state.vendorScript || addressHasSecret()) return;
    state.hintsAdded = true;
    const { crossorigin: crossOrigin } = vendor;
    for (const href of vendor.hosts) addHint({ rel: "preconnect", href });
    addHint({ rel: "preload", as: "script", href: new URL(vendor.script, core.base).href, crossOrigin });
  }

  /** Whether the vendor would read a secret. It is asked anew for each click: a page may clean its address. */
  function addressHasSecret() {
    return SECRET.test(location.hash + doc.referrer) || SECRET_IN_FRAGMENT.test(location.hash);
  }

  /** @param {object} more */
  function addHint(more) {
    doc.head.append(Object.assign(doc.createElement("link"), more));
  }

  /** @param {boolean=} clicked whether a person asked for it, here and now */
  async function start(clicked) {
    // What went with a body comes back with a page load only, and only for a person who asks.
    const missing = state.elementsLost && elementsGone();
    if (addressHasSecret() || !core.hasConsent(clicked) || (missing && !clicked) || !takeEdge("start")) return;
    core.stop();
    if (clicked && chat.page.settings.consent === "click") store.remember("consent", "yes");
    const generation = state.generation;
    await state.ending;
    const first = chat.page;
    const firstWho = first.who;
    const earlier = state.globalsSet && state.identifiedPage.who; // an earlier try may have been for another
    if (mustAskWho()) first.who = null;
    while (chat.page.who === null) { // by now it may be another page
      const markedBefore = store.hasLogoutMark();
      const { page } = chat;
      const identity = await requestIdentity();
      if (generation !== state.generation) return; // the answer is about somebody who has logged out
      if (page !== chat.page) continue; // the answer is older than the page
      // Nobody is started anonymously without an answer: the vendor may still hold somebody's session.
      if (!identity) return fail("identity");
      if (markedBefore || !store.hasLogoutMark()) applyIdentity(identity, first === chat.page ? firstWho : null);
    }
    if (generation !== state.generation) return;
    const { page } = chat;
    const who = /** @type {string} */ (page.who);
    store.checkOwner(who);
    store.setOwner(who);
    state.whoStored = chat.last === who;
    chat.identityStale = false;
    if (earlier && who !== earlier) await end();
    if (generation !== state.generation) return;
    if (state.sessionEnded) return resume();
    if (state.elementsLost && elementsGone()) return reload();
    if (state.globalsSet || setGlobals(page)) load();
    else fail("error");
  }

  /** Sets what the vendor's script reads as it arrives. @param {LiveChat.Page} page @returns {boolean} */
  function setGlobals(page) {
    state.launcherVisible = vendorLauncher();
    state.sentAttributes = { ...page.context };
    state.identifiedPage = page;
    state.globalsSet = true;
    if (safely(() => (adapter.start(page, state.freshSession), true))) state.freshSession = false;
    else state.globalsSet = false; // the next click tries all of it again
    return state.globalsSet;
  }

  /** Whether the server has to say who it is: somebody may have logged out or in elsewhere since the page was made. */
  function mustAskWho() {
    const { who, settings } = chat.page;
    const last = stored("who");
    if (settings.identify === false) return false;
    const owner = who || last || store.knownOwner(); // where nobody is known, an old page ends nobody's chat
    return (last !== chat.last && last !== who) || (!!owner && (chat.identityStale || isTokenStale() || isPageOld()));
  }

  function isPageOld() {
    return Date.now() - chat.since > TRUST_MS;
  }

  function load() {
    if (state.vendorScript) state.vendorScript.remove(); // an earlier try
    state.failureReason = "blocked";
    state.scriptAnswered = false;
    const script = state.vendorScript = core.inject(vendor.script, {
      charset: "UTF-8",
      crossOrigin: vendor.crossorigin,
      onheld: onScriptHeld,
      onload: () => (state.failureReason === "error" ? fail(state.failureReason) : safely(() => adapter.loaded?.())),
      // The pause lets the event of a policy's violation come first.
      onerror: () => setTimeout(() => state.vendorScript === script && fail(state.failureReason), 50),
    });
  }

  /** A consent manager gives a script that it holds back a type that no browser runs: no event tells of it. */
  function onScriptHeld() {
    warn(`a consent manager or the like has held ${vendor.title}'s script back (type="${
      state.vendorScript?.type}"). Let it through, or tell it of the consent: LIVECHAT_CONSENT.`);
    fail("blocked");
  }

  /** Starts again after an end, with the script that is still there. */
  async function resume() {
    const generation = state.generation;
    await state.ending;
    state.sessionEnded = false;
    if (state.vendorAnswered && (await safely(identify)) !== false) {
      return void (generation === state.generation && ready());
    }
    // The vendor never came, or keeps a visitor for as long as the page lives. If a person asks, a new page goes on.
    state.sessionEnded = true;
    if (!pendingCall()) return void takeEdge("end");
    reload();
  }

  /** Loads the page anew and leaves word there of the call that waits. */
  function reload() {
    const [name = "open", value = "", , once] = pendingCall() || [];
    inTab("reopen", JSON.stringify({ [name]: value, once }));
    location.reload();
  }

  /** The vendor is there. */
  function ready() {
    const late = !state.vendorAnswered;
    state.vendorAnswered = true;
    if (state.sessionEnded) return void (late && end(true)); // whoever this was started for has left
    state.scriptAnswered = true;
    if (chat.state === "ready") return; // a vendor may say it again, during a visit that takes its elements along
    if (elementsGone()) return restart(); // while it was loading
    if (!takeEdge("ready")) return;
    if (!state.elementsLost) report("ready"); // the page has been told before
    state.elementsLost = false;
    if (state.fromCache && chat.page.who) checkIdentity();
    state.fromCache = false;
    scheduleRenewal();
    replayQueue();
  }

  /** Does all that waited: the page's rule and attributes, events of earlier pages, a tour, calls and the one open. */
  function replayQueue() {
    const { page } = chat;
    // Somebody has logged in on a swapped page, or while the vendor was on its way.
    if (page.who !== null && page.who !== state.identifiedPage.who) {
      store.setOwner(page.who);
      safely(identify);
    }
    applyRules();
    queueAttributes(page.context);
    for (const event of [...store.takeStoredEvents(), ...page.events.splice(0)]) {
      safely(() => (event.name == null
        ? adapter.segment?.(event.segment, event.unsegment) : callAdapter("track", event.name, event.metadata)));
    }
    const { start: content, once = true } = page.settings;
    if (content && page.who !== null) { // else it waits until somebody is known
      page.settings.start = page.settings.tour = undefined;
      call("start", `${content}`, undefined, once);
    }
    for (const queued of chat.queue.splice(0)) call(...queued);
    const pending = state.pendingOpen;
    state.pendingOpen = undefined;
    if (!pending) return;
    state.openedFrom = pending.launcher;
    safely(() => adapter.open(pending.text));
    countOpen(); // not every vendor tells that it is open
  }

  /** Shows or hides the launchers by the page's rule and by what the vendor says of its agents. */
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
  function queueAttributes(attributes) {
    Object.assign(state.changedAttributes, attributes);
    state.updateTimer ||= setTimeout(sendAttributes, 300);
  }

  async function sendAttributes() {
    const generation = state.generation;
    // The page may be swapped while the server is asked: its answer was about the page before then.
    for (let page; isTokenStale() && page !== chat.page;) {
      page = chat.page;
      await checkIdentity();
    }
    if (generation !== state.generation || chat.state !== "ready") return;
    const news = Object.fromEntries(
      Object.entries(state.changedAttributes).filter(([name, value]) => state.sentAttributes[name] !== value));
    state.updateTimer = undefined;
    state.changedAttributes = {};
    Object.assign(state.sentAttributes, news);
    if (Object.keys(news).length) safely(() => adapter.update(news));
  }

  // Identity: our own server says who it is.

  /** Asks our server. Several callers share one request for a page.
   * @returns {Promise<LiveChat.Identity | null>} null when there is no answer, or none that makes sense */
  function requestIdentity() {
    if (state.identityRequest) return state.identityRequest;
    const request = state.identityRequest = fetchIdentity().catch((error) => {
      console.warn("livechat:", error);
      return null;
    }).finally(() => { if (state.identityRequest === request) state.identityRequest = undefined; });
    return request;
  }

  async function fetchIdentity() {
    const address = `${core.base}identity?provider=${vendor.name}`;
    const answer = await fetch(address, {
      credentials: "same-origin", cache: "no-store", signal: AbortSignal.timeout?.(15000),
    });
    if (!answer.ok) throw new Error(`identity: ${answer.status}`);
    const identity = await answer.json();
    if (typeof identity.who !== "string" || !Array.isArray(identity.events)) throw new Error("identity: not an answer");
    chat.since = Date.now();
    const date = Date.parse(answer.headers.get("Date") || "");
    if (date) state.clockSkewMs = date - chat.since;
    return identity;
  }

  /** Tells the vendor who it is now. */
  function identify() {
    state.identifiedPage = chat.page;
    Object.assign(state.sentAttributes, state.identifiedPage.context); // comes with it
    return adapter.identify(state.identifiedPage);
  }

  /** Writes the server's answer into the page.
   * @param {LiveChat.Identity} identity @param {string | null=} pageWho whom the page itself named */
  function applyIdentity({ visitor, proof, who, context, events }, pageWho) {
    const { page } = chat;
    if (pageWho && pageWho !== who) Object.assign(page, { context: {}, events: [] }); // somebody else's
    // The adapter sends the new proof with its next message.
    if (state.identifiedPage.who === who) Object.assign(state.identifiedPage, { visitor, proof });
    Object.assign(page, { visitor, proof, who });
    Object.assign(page.context, context);
    page.events.push(...events.splice(0)); // once, however many have asked
  }

  /** Checks that it is still the same visitor, and gets a new proof before the old one ends. Callers share a check. */
  function checkIdentity() {
    if (state.identityCheck) return state.identityCheck;
    const check = state.identityCheck = compareIdentity().finally(() => {
      if (state.identityCheck === check) state.identityCheck = undefined;
    });
    return check;
  }

  async function compareIdentity() {
    const generation = state.generation;
    const over = isTokenStale();
    const { page } = chat;
    const identity = await requestIdentity();
    if (generation !== state.generation || page !== chat.page) return;
    if (identity && identity.who !== state.identifiedPage.who) {
      logout();
      return applyIdentity(identity);
    }
    if (identity) {
      const changed = over || JSON.stringify(identity.visitor) !== JSON.stringify(state.identifiedPage.visitor);
      applyIdentity(identity);
      if (changed) safely(identify);
      if (chat.state === "ready") replayQueue();
    }
    scheduleRenewal();
  }

  /** For how long the page's token still holds, by the server's clock. */
  function tokenLifeMs() {
    const { proof } = chat.page;
    return proof?.expires ? Number(proof.expires) * 1000 - Date.now() - state.clockSkewMs : Infinity;
  }

  function isTokenStale() {
    return tokenLifeMs() < RENEWAL_MARGIN_MS;
  }

  /** Checks again shortly before the token ends. */
  function scheduleRenewal() {
    clearTimeout(state.renewalTimer);
    const pause = Math.max(tokenLifeMs() - RENEWAL_MARGIN_MS / 2, RENEWAL_MARGIN_MS / 2);
    if (pause < 2 ** 31) state.renewalTimer = setTimeout(() => doc.hidden || checkIdentity(), pause);
  }

  // Pages that are swapped.

  /** The document has changed: Turbo, htmx and whatever else swaps pages all bring another data block. */
  function onPageSwap() {
    // A preview is an old copy, and stays for a while after its mark has gone.
    state.previewShown ||= doc.documentElement.hasAttribute("data-turbo-preview");
    if (state.previewShown) return;
    // The pause is for a vendor that takes its elements along for a moment, at a visit of Turbo say.
    if (chat.state === "ready" && elementsGone()) setTimeout(() => elementsGone() && restartIfLost(true), GONE_MS);
    else if (state.elementsLost && chat.state === "loading" && (state.scriptAnswered || !adapter.swapped)
      && !elementsGone()) ready();
    // A new element is a new page, also where it says the same: the page may be somebody else's.
    if (!core.pageChanged()) return;
    const next = core.readPage();
    if (next && next.provider !== vendor.name) return location.reload(); // another vendor needs a page of its own
    const page = next || { ...chat.page, load: "off", events: [], left: false };
    preparePage(page);
    if (store.hasLogoutMark(page)) logoutUnlessOver();
    core.stop();
    const before = chat.page;
    const pageWho = page.who;
    chat.page = page;
    state.identityRequest = state.identityCheck = undefined; // their answers are about the page before
    if (!page.copy) chat.since = Date.now();
    if (before.who && pageWho !== before.who) chat.queue = []; // what that visitor did
    // The page may be a copy from before a login or a logout, so the server is asked.
    if (chat.page.settings.identify !== false && pageWho !== before.who && (pageWho || before.who)) page.who = null;
    if (chat.state !== "waiting" && core.denied()) withdrawConsent(); // withdrawn on the server
    continueOnPage(pageWho);
  }

  /** Goes on, on a page that was swapped in. @param {string | null} pageWho whom the page itself named */
  async function continueOnPage(pageWho) {
    const { page } = chat;
    const generation = state.generation;
    const { who, visitor, proof } = state.identifiedPage;
    if (chat.state === "waiting") {
      store.cleanUp();
    } else if (page.who === null) {
      const identity = await requestIdentity();
      if (page !== chat.page) return;
      // Where a logout's mark has ended the chat meanwhile, this page goes on, and its start asks again.
      if (generation === state.generation && identity) applyIdentity(identity, pageWho);
      else if (generation === state.generation && pageWho === null && !who) {
        Object.assign(page, { who, visitor, proof }); // a missing answer ends nobody's chat
      }
    } else if (page.who === who) {
      Object.assign(page, { visitor, proof }); // the page may be a copy with an older proof
    }
    if (page.who !== who && who && !["waiting", "ended"].includes(chat.state)) {
      const next = { ...page };
      logout();
      Object.assign(page, next);
    }
    if (chat.state === "ready") {
      replayQueue();
      scheduleRenewal();
    } else if (chat.state !== "loading") {
      core.draw();
      core.schedule();
    }
  }

  /** Moves the vendor's elements. An iframe that leaves the document loses what it holds; `moveBefore` keeps it. Where
   * a browser has no `moveBefore`, elements with a frame stay where they are.
   * @param {Element} from @param {Element} to */
  function moveElements(from, to) {
    for (const node of safely(() => doc.querySelectorAll(vendor.elements)) || []) {
      if (node.parentElement !== from) continue;
      void getComputedStyle(to).display; // or Chromium begins animations anew in a body without styles
      const { moveBefore } = /** @type {any} */ (to);
      const giveRulesBack = saveStyleRules(node);
      if (moveBefore) safely(() => moveBefore.call(to, node, null));
      else if (!node.matches("iframe") && !node.querySelector("iframe")) to.append(node);
      giveRulesBack();
    }
  }

  /** Whether the vendor's elements have left the document. Where none was ever seen, a newer script may have others. */
  function elementsGone() {
    const present = !!safely(() => (adapter.present ? adapter.present() : doc.querySelector(vendor.elements)));
    state.elementsSeen ||= present;
    return state.elementsSeen && !present;
  }

  /** Starts a vendor anew that was lost with the body, or waits for one that puts itself back.
   * @param {boolean=} missing whether its elements are missing still */
  function restartIfLost(missing) {
    if (chat.state !== "ready") return;
    const anew = safely(() => adapter.swapped?.());
    if (!anew && (!missing || adapter.swapped)) return;
    state.elementsLost = takeEdge("restart");
    if (chat.open) state.pendingOpen ||= { clicked: Date.now() };
    chat.open = false;
    if (anew) load();
  }

  /** The elements were lost while the vendor was loading. */
  function restart() {
    state.elementsLost = true;
    if (safely(() => adapter.swapped?.())) load();
  }

  /** A style element that is moved loses the rules that a script has put into it. Returns a function that gives them
   * back. @param {Element} node */
  function saveStyleRules(node) {
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

  /** Takes from a page what must not be believed or said twice, and adds what its position leaves open.
   * @param {LiveChat.Page} page */
  function preparePage(page) {
    const { settings } = page;
    if (settings.tour != null) settings.start = `tour:${settings.tour}`;
    if (page.copy) { // a copy does not repeat what a page says once
      settings.start = undefined;
      page.events = [];
    }
    // If somebody else has written a block, too, none of them names anybody: our server says who it is.
    if (core.blocks().length > 1) {
      Object.assign(page, { visitor: null, proof: null, who: null, context: {}, events: [] });
    }
    const side = () => (getComputedStyle(doc.body || doc.documentElement).direction === "rtl" ? "left" : "right");
    /** @type {Partial<LiveChat.Position>} */
    const chosen = settings.position;
    settings.position = { get side() { return side(); }, x: 20, y: 20, mobile_x: 10, mobile_y: 70, ...chosen };
  }

  /** Whether the vendor's own button is to be seen on this page. */
  function vendorLauncher() {
    return !chat.page.settings.launcher && !chat.hidden && !core.hidden() && chat.page.load !== "off";
  }

  // Other tabs, and returns to the page.

  /** Whether the page was made earlier, so that it may name somebody who has left since: it came out of a cache, was
   * fetched or rendered ahead, or is a service worker's. */
  function outOfCache() {
    const [entry] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
    const { type, deliveryType, activationStart, transferSize, workerStart } = /** @type {any} */ (
      entry || { transferSize: 1 });
    return type === "back_forward" || !!deliveryType || activationStart > 0 || !transferSize || workerStart > 0;
  }

  /** Listens to other tabs, by the storage and the mark of a logout, and to this page. */
  function listen() {
    addEventListener("storage", ({ key, newValue }) => {
      if (key === null || key === core.keyOf("who")) onOtherTab(newValue, key === null);
      if (key === core.keyOf("consent") && !newValue && chat.page.settings.consent) withdrawConsent();
    });
    safely(() => window.cookieStore?.addEventListener("change", () => store.hasLogoutMark() && logoutUnlessOver()));
    addEventListener("focus", () => onReturn());
    addEventListener("pageshow", ({ persisted }) => persisted && onReturn(true));
    addEventListener("pagehide", () => (core.hasConsent() ? store.sweepIfEnded() : store.sweepTraces()));
    addEventListener("error", () => { if (doc.currentScript === state.vendorScript) state.failureReason = "error"; });
    addEventListener("securitypolicyviolation", onPolicyViolation);
    matchMedia("(max-width: 640px)").addEventListener("change", () => { if (chat.state === "ready") applyRules(); });
    doc.addEventListener("visibilitychange", () => doc.hidden || onReturn());
    doc.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && chat.open && core.within(event, "[data-livechat-open]")) call("close");
    });
    doc.addEventListener("turbo:before-render", () => { state.previewShown = false; });
    for (const name of BEFORE.split(" ")) doc.addEventListener(name, () => moveElements(doc.body, doc.documentElement));
    for (const name of AFTER.split(" ")) doc.addEventListener(name, () => {
      moveElements(doc.documentElement, doc.body);
      restartIfLost();
      showUnread(); // the same page may have come again, or a part of one
    });
  }

  /** @param {SecurityPolicyViolationEvent} event */
  function onPolicyViolation({ blockedURI, sourceFile }) {
    if (!state.vendorScript) return;
    if (state.vendorScript.src.startsWith(blockedURI)) state.failureReason = "csp";
    // Where Trusted Types are required, the vendor's script may be kept from loading its parts, and not say so.
    if (blockedURI === "trusted-types-sink" && sourceFile.startsWith(new URL(state.vendorScript.src).origin)
      && chat.state === "loading") fail("csp");
  }

  /** Somebody looks at the page again. @param {boolean=} persisted whether it came out of the back/forward cache */
  function onReturn(persisted) {
    if (store.hasLogoutMark()) logoutUnlessOver(); // its mark stays for the page that follows the logout
    if (state.whoStored && stored("who") !== chat.page.who) onOtherTab(stored("who"), store.findTraces().length > 0);
    if (chat.state !== "ready") state.fromCache = persisted || state.fromCache;
    else if (chat.page.who && (persisted || isTokenStale() || isPageOld())) checkIdentity();
  }

  function logoutUnlessOver() {
    const over = !chat.page.who && chat.state !== "ready"; // a start takes the mark into account
    if (!over) logout();
  }

  /** Another tab has somebody else, or nobody. A visitor who was anonymous and has logged in there keeps the chat, and
   * a chat that has not started looks when it does.
   * @param {string | null} who @param {boolean} cleared whether the storage was cleared, and not by an end */
  function onOtherTab(who, cleared) {
    const { who: current } = chat.page;
    if (who === null && current === "" && cleared) return void (state.whoStored && store.setOwner(""));
    if (chat.state !== "waiting" && current !== null && who !== current && !(who && !current)) logout();
  }

  /** Ends the chat at a no, which goes for every vendor. @param {boolean=} given a yes, which the page or the browser
   * refuses */
  function withdrawConsent(given) {
    if (given) return warn("consent is refused by the browser's Global Privacy Control, or by the page.");
    store.forgetConsent();
    chat.agreed = false;
    logout();
  }

  // The end.

  /** Ends this visitor's chat now. @returns {Promise<void>} */
  async function logout() {
    // Where another tab has started somebody else, their cookies stay.
    const taken = state.whoStored && ![null, state.identifiedPage.who].includes(stored("who"));
    core.stop();
    takeEdge("end");
    Object.assign(chat, { queue: [], open: false, unread: 0 });
    state.pendingOpen = undefined;
    state.whoStored = false;
    // When somebody asks for the chat after this, our server says who it is.
    Object.assign(chat.page, {
      visitor: null, proof: null, who: chat.page.who === "" ? "" : null, context: {}, events: [],
    });
    // Cookies go first, since a click on "log out" may leave the page before the vendor has answered.
    if (!taken) store.forgetVisitor();
    core.draw();
    showUnread();
    await end();
  }

  /** Ends the vendor's session. @param {boolean=} late whether the vendor has arrived after the end */
  async function end(late) {
    clearTimeout(state.renewalTimer);
    clearTimeout(state.updateTimer);
    state.updateTimer = undefined;
    state.changedAttributes = {};
    state.identifiedPage = chat.page;
    state.elementsLost = state.elementsLost && !adapter.swapped; // an adapter that can start anew does
    if (!state.globalsSet || (state.sessionEnded && !late)) return state.ending;
    state.sessionEnded = true;
    const patience = new Promise((/** @type {(value?: undefined) => void} */ done) => setTimeout(done, 3000));
    state.ending = Promise.race([safely(() => adapter.end()), patience])
      .catch((error) => console.warn("livechat:", error))
      .then(store.scheduleSweeps);
    await state.ending;
  }

  // What the vendor reports.

  /** Takes an event of the vendor's, and tells the page.
   * @param {string} name
   * @param {{status?: LiveChat.Api["status"], count?: number, rating?: number, scale?: string}} detail */
  function report(name, detail = {}) {
    if (name === "open" || name === "close") {
      if (!!chat.open === (name === "open")) return; // vendors repeat themselves
      chat.open = name === "open";
      core.draw();
      if (chat.open) countOpen();
      if (chat.open && chat.unread) report("unread", { count: 0 });
      markRead();
      if (name === "close") setTimeout(returnFocus);
    }
    if (name === "message") {
      store.remember("going", "1");
      if (chat.open) markRead();
    }
    // Thumbs come with no webhook, so this page reports them.
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

  /** Counts an open for the figures, once a visit and without a visitor, since no webhook does. */
  function countOpen() {
    if (!vendor.kept || inTab("open")) return;
    inTab("open", "1");
    post("opens", { open: 1 });
  }

  /** Reports a thumb. It replaces the one before, which the server's receipt names. @param {string} value */
  async function rate(value) {
    if (!vendor.kept || inTab("rating") === value) return;
    inTab("rating", value);
    const body = await ask("opens", { rating: Number(value), receipt: inTab("receipt") || null });
    if (body) inTab("receipt", body.receipt || "");
  }

  /** Returns what this tab remembers under a name. With a value it remembers that instead, and nothing with "".
   * @param {string} name @param {string=} value */
  function inTab(name, value) {
    const key = core.keyOf(name);
    return safely(() => (
      value == null ? sessionStorage.getItem(key) : sessionStorage[value ? "setItem" : "removeItem"](key, value)));
  }

  /** Tells our server that a visitor who is known has read everything. */
  function markRead() {
    if (vendor.kept && state.identifiedPage.who) post("unread", {}, "same-origin");
  }

  /** Posts to our own server, and does not wait for success.
   * @param {string} where @param {object} what @param {RequestCredentials} credentials */
  function post(where, what, credentials = "omit") {
    return safely(() => fetch(core.base + where, {
      method: "POST", keepalive: true, credentials,
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ provider: vendor.name, ...what }),
    }).catch(() => {}));
  }

  /** The same, and gives the answer; null where there is none.
   * @param {string} where @param {object} what @param {RequestCredentials=} credentials */
  async function ask(where, what, credentials) {
    const answer = await post(where, what, credentials);
    return answer?.ok ? answer.json().catch(() => null) : null;
  }

  function showUnread() {
    for (const element of doc.querySelectorAll("[data-livechat-unread]")) {
      element.textContent = chat.unread ? String(chat.unread) : "";
    }
  }

  /** Gives the focus back to the launcher, unless a person has gone on to something else on the page. */
  function returnFocus() {
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

  /** A global that a script has set: an element with such an id is none. @param {string} name */
  function global(name) {
    return Object.hasOwn(window, name) ? window[name] : undefined;
  }

  /** @param {string} text */
  function warn(text) {
    if (!warnings.has(text)) console.warn(`livechat: ${text}`);
    warnings.add(text);
  }

  /** Deletes a global, or empties one that the page's own script has declared. @param {string} name */
  function unset(name) {
    if (Reflect.deleteProperty(window, name)) return;
    warn(`the page declares ${name} itself, which decides who is started. Take ${
      vendor.title}'s own snippet out of the page.`);
    window[name] = undefined;
  }
}
