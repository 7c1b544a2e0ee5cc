/**
 * The loader runs before the vendor does. It decides whether the page has chat and when the vendor starts, and serves
 * the launchers until then. All else is fetched from our own origin once there is a use for it: session.js with
 * visitor.js and the vendor's adapter, and button.js.
 *
 * @param {LiveChat.Vendor} vendor written in by the server: the page's data never says what is fetched
 * @param {HTMLScriptElement} script this file's element
 */
function loader(vendor, script) {
  /** The document as the browser made it: an element named "querySelector" would stand in its method's place.
   * @type {Document} */
  const doc = new Proxy(/** @type {any} */ ({}), {
    get(_, name) {
      const value = Reflect.get(Document.prototype, name, document);
      return value?.bind?.(document) ?? value;
    },
    set: (_, name, value) => Reflect.set(Document.prototype, name, value, document),
  });
  const base = new URL(".", script.src).href;
  const LAUNCHER = "[data-livechat-open]";
  const OURS = `${LAUNCHER},[data-livechat-event],[data-livechat-start],[data-livechat-tour],[data-livechat-logout]`;
  const TIMEOUT_MS = 20000; // until a file of ours that does not arrive counts as failed, as the vendor's does
  const DWELL_MS = 3000; // for which a launcher is in view until what it opens is worth fetching
  const HOVER_MS = 65; // for which a pointer stays on a launcher that it does not merely cross
  /** This tells the app from others on the same origin: its address and the account. */
  const home = new URL(base).pathname + vendor.account;

  /** The data block that was read last, and its text. @type {HTMLScriptElement | undefined} */
  let block;
  /** @type {any} */
  let blockText;

  // Another loader that is at work on this document hears this. One that document.open() has cut off does not.
  const first = doc.dispatchEvent(new Event("livechat:probe", { cancelable: true })) ? readPage() : null;
  if (!first || first.provider !== vendor.name) return;

  /** What our files share. @type {LiveChat.Chat} */
  const chat = {
    state: "waiting", page: first, queue: [], last: stored("who"), since: Date.now(),
  };
  /** Our other files that are on their way. @type {Record<string, Promise<any>>} */
  const pendingFiles = {};
  /** Our other files that have come. @type {LiveChat.Files} */
  const files = {};
  /** Ends the strategy's triggers on this page. */
  let triggers = new AbortController();
  /** Whether our own button is to be seen. @type {boolean | undefined} */
  let buttonShown;
  /** The click that was handled last. @type {Event | undefined} */
  let lastClick;

  /** Where a policy asks for Trusted Types, only inject() may make a script's address. */
  const types = safely(() => window.trustedTypes?.createPolicy("livechat", { createScriptURL: String }));

  /** What our other files may ask of this one. @type {LiveChat.Core} */
  const core = {
    doc, matches, vendor, base, chat, readPage, pageChanged, blocks, call, inject, stored, keyOf, denied, hasConsent,
    within, hidden, draw, stop, schedule, openFallback, report, safely,
  };
  const api = /** @type {any} */ ({
    consent,
    /** @param {string} kind @param {unknown} id @param {{once?: LiveChat.Once}=} options */
    start: (kind, id, options) => call("start", `${kind}:${id ?? ""}`, undefined, options?.once),
    [Symbol.toStringTag]: "livechat",
    get status() { return chat.status ?? null; },
    get state() { return chat.gone?.() ? "loading" : chat.state; },
  });
  for (const name of /** @type {LiveChat.Call[0][]} */ (
    "open close show hide track update logout".split(" ")
  )) {
    api[name] = (/** @type {any} */ value, /** @type {any} */ meta) => call(name, value, meta, Date.now());
  }
  for (const kind of ["tour", "article"]) api[kind] = api.start.bind(0, kind);
  // The own property counts: until it is set, the data block's id makes window.livechat that element. No getter is run.
  const taken = Object.getOwnPropertyDescriptor(window, "livechat");
  if (taken && taken.value?.[Symbol.toStringTag] !== "livechat") {
    console.error("livechat: window.livechat is taken. Rename yours.");
  } else {
    window.livechat = Object.freeze(api);
  }

  listen();
  draw();
  schedule();
  onceActivated(() => {
    if (needsCleanUp()) loadFile("session"); // it begins with cleaning up
    schedule();
  });

  // The page.

  /** The data block is the element right before our script. Another with its id, or its form, is not ours. */
  function findBlock() {
    return blocks().find(({ nextElementSibling: next }) =>
      next instanceof HTMLScriptElement && next.src.startsWith(base));
  }

  function blocks() {
    return /** @type {HTMLScriptElement[]} */ ([...doc.querySelectorAll('script#livechat[type="application/json"]')]);
  }

  /** Whether the page has another data block, or the block says something else. */
  function pageChanged() {
    const current = findBlock();
    return current !== block || current?.textContent !== blockText;
  }

  /** Waits where the browser renders a page that nobody has asked for yet: it does nothing in anybody's name.
   * @param {() => void} then */
  function onceActivated(then) {
    if (doc.prerendering) doc.addEventListener("prerenderingchange", then, { once: true });
    else then();
  }

  /** @param {any} node @param {string} selector @returns {boolean} */
  function matches(node, selector) {
    return node instanceof Element && Element.prototype.matches.call(node, selector);
  }

  /** @returns {LiveChat.Page | null} null for a page without chat, and for a block that is not ours */
  function readPage() {
    const element = block = findBlock();
    blockText = element?.textContent;
    const page = element && safely(() => JSON.parse(blockText));
    const whole = page && [page.settings, page.context].every((part) => Object(part) === part)
      && Array.isArray(page.events) && (page.who === null || typeof page.who === "string");
    if (!whole) return null;
    page.copy = "livechatRead" in element.dataset; // Turbo and htmx 2 keep copies of a page
    element.dataset.livechatRead = "";
    return page;
  }

  /** Whether something of an earlier visitor or page has to be cleaned up. In doubt it says yes. */
  function needsCleanUp() {
    const { who, events } = chat.page;
    const names = safely(() => doc.cookie + Object.keys({ ...localStorage, ...sessionStorage })) || "";
    return events.length || hasLogoutMark() || (denied() && stored("consent"))
      || names.includes(keyOf("reopen"))
      || (chat.last && who !== null && who !== chat.last)
      || (!hasConsent() && (chat.last !== null || names.match(vendor.traces)));
  }

  /** Whether there is the mark of a logout. */
  function hasLogoutMark() {
    return safely(() => doc.cookie.includes("livechat_left="));
  }

  /** A page without a vendor needs no session. One with a vendor needs a page of its own. */
  function onSwapWithoutVendor() {
    if (!pageChanged()) return;
    const next = readPage();
    if (next && next.provider !== vendor.name) return location.reload();
    Object.assign(chat.page, { load: "off" }, next);
    draw();
    schedule();
  }

  function listen() {
    // Turbo, htmx and whatever else swaps pages bring another data block, or change the one that is there.
    new MutationObserver(() => {
      if (files.session) files.session.onPageSwap();
      else if (HELP && !vendor.session) onSwapWithoutVendor();
      else if (!doc.prerendering && pageChanged()) {
        loadFile("session").then((session) => session?.onPageSwap());
      }
    }).observe(doc.documentElement, { childList: true, characterData: true, subtree: true });
    doc.addEventListener("livechat:probe", (event) => event.preventDefault());
    doc.addEventListener("click", onClick);
    addEventListener("click", onClickCapture, true);
    addEventListener("input", (event) => { // in an editor or a component, too
      if (!HELP || !matches(event.target, "[data-livechat-panel]")) chat.written = true;
    }, true);
    // htmx follows every link that it boosts, and takes the click of a launcher before it comes to us.
    for (const name of ["htmx:beforeRequest", "htmx:before:request"]) {
      doc.addEventListener(name, (event) => launch(event, within(event, `a${LAUNCHER}`)));
    }
    doc.addEventListener("livechat:consent", (event) => consent(/** @type {CustomEvent} */ (event).detail === true));
    addEventListener("storage", ({ key }) => {
      if (key !== keyOf("consent")) return;
      chat.agreed = false;
      schedule();
    });
    // A person who left this page for a while may have logged out meanwhile. The server is asked before the next start.
    addEventListener("blur", markIdentityStale);
    if (HELP) {
      doc.addEventListener("focusin", ({ target }) => {
        if (matches(target, "[data-livechat-suggest]")) {
          loadFile("help").then((help) => help?.attach(/** @type {HTMLTextAreaElement} */ (target)));
        }
      });
      // However it was opened: what was read before counts.
      doc.addEventListener("livechat:open", () => {
        if (panelState()) loadFile("help").then((help) => help?.opened());
      });
    }
    addEventListener("pageshow", ({ persisted }) => persisted && markIdentityStale());
    window.cookieStore?.addEventListener("change", () => hasLogoutMark() && markIdentityStale());
  }

  function markIdentityStale() {
    chat.identityStale = true;
  }

  // When: the moments at which a strategy asks for the vendor.

  function stop() {
    triggers.abort();
  }

  function schedule() {
    stop();
    triggers = new AbortController();
    const { signal } = triggers;
    const [, kind, argument] = /** @type {RegExpMatchArray} */ (strategy().match(/^(\w*):?(.*)/));
    const go = () => void (signal.aborted || start());
    /** @param {string} events @param {(event: Event) => void} then */
    const on = (events, then) => events.split(" ").forEach((name) =>
      addEventListener(name, then, { capture: true, passive: true, signal }));
    const interest = () => {
      if (saveData()) return; // asked now, since the browser's guess may change
      if (stored("going")) return onceActivated(() => afterLoad(() => onIdle(go))); // somebody may have answered
      /** @type {ReturnType<typeof setTimeout> | undefined} */
      let hover;
      // Only a vendor's entry that runs knows the rest of its files. The click then finds them on their way.
      on("pointerover pointerdown focusin", (event) => {
        clearTimeout(hover);
        if (!within(event, LAUNCHER)) return;
        warm();
        if (event.type !== "focusin") hover = setTimeout(go, /** @type {any} */ (event).buttons ? 0 : HOVER_MS);
      });
      const soon = () => void setTimeout(() => signal.aborted || onIdle(warm), DWELL_MS);
      afterLoad(() => onIdle(() => buttonShown ? soon() : onVisible(LAUNCHER, soon)));
    };
    if (HELP && kind === "help") on("pointerover focusin", (event) => {
      if (within(event, LAUNCHER)) loadFile("help");
    });
    if (hidden() || !hasConsent()) return; // `required` waits for livechat.consent(true), `click` for the click
    if (kind === "eager") go();
    if (kind === "idle") afterLoad(() => onIdle(go));
    if (kind === "delay") afterLoad(() => setTimeout(go, Number(argument) * 1000));
    if (kind === "scroll") on("scroll", go);
    if (kind === "interaction") on("pointerdown pointermove keydown touchstart scroll wheel", go);
    if (kind === "intent") interest();
    if (kind === "visible" && !onVisible(argument, go)) {
      console.warn("livechat: no", argument); // the chat waits for a launcher
      buttonShown = true;
      draw();
      interest();
    }
  }

  /** The page's strategy. One that starts by itself waits for a sign of interest where data is dear, or where the page
   * may never be looked at. */
  function strategy() {
    const load = `${chat.page.load}`;
    if (HELP && helpFirst() && !/^(off|manual)/.test(load)) return "help"; // nothing of the vendor's comes before it
    const automatic = !/^(off|manual|intent)/.test(load);
    return automatic && (saveData() || doc.prerendering) ? "intent" : load;
  }

  /** Whether launchers open the help panel: not for whoever talks to somebody, as far as we know, or has something to
   * read. Not every vendor tells of messages, so an open chat counts, too, in its tab. */
  function helpFirst() {
    return chat.page.settings.help && !["loading", "ready"].includes(chat.state) && !stored("going") && !chat.unread
      && !panelState()?.includes('"opened":true');
  }

  /** Whether the panel was used in this tab. */
  function panelState() {
    return safely(() => sessionStorage.getItem(keyOf("help")));
  }

  function saveData() {
    const { saveData, effectiveType = "" } = navigator.connection || {};
    return saveData || /2g/.test(effectiveType);
  }

  /** @param {() => void} then */
  function afterLoad(then) {
    if (doc.readyState === "complete") then();
    else addEventListener("load", () => setTimeout(then));
  }

  /** @param {() => void} then */
  function onIdle(then) {
    // A browser without idle callbacks gets a pause. The wait has a limit everywhere.
    if (typeof requestIdleCallback === "function") requestIdleCallback(then, { timeout: 4000 });
    else setTimeout(then, 1500);
  }

  /** @param {string} selector @param {() => void} then it may be called more than once */
  function onVisible(selector, then) {
    const target = safely(() => doc.querySelector(selector));
    if (!target) return false;
    new IntersectionObserver(
      (entries) => entries.some((entry) => entry.isIntersecting) && then(), { rootMargin: "200px" }).observe(target);
    return true;
  }

  /** Fetches what a click would need, and runs nothing of the vendor's. */
  function warm() {
    if (!doc.hidden) loadFile("session").then((session) => session?.warm());
  }

  // Asking for the chat.

  /** @param {boolean=} clicked whether a person asked for it, here and now */
  function start(clicked) {
    stop();
    loadSession().then((session) => session?.start(clicked));
  }

  /** Fetches the session, and shows meanwhile that the chat is on its way. */
  function loadSession() {
    if (!files.session) chat.state = "loading";
    draw();
    return loadFile("session");
  }

  /** Does what a method of window.livechat asks for. Calls wait for the session, and what shows something fetches it.
   * @param {LiveChat.Call} queued @returns {any} */
  function call(...queued) {
    const [name, value, launcher] = queued;
    if (doc.prerendering && !launcher) return onceActivated(() => call(...queued)), true;
    if (name === "show" || name === "hide") {
      chat.hidden = name === "hide";
      draw();
    }
    if (files.session) return files.session.call(...queued);
    if (HELP && !vendor.session) return name === "open" && openFallback(launcher, queued[3]); // there is no vendor
    if (name === "logout") return loadFile("session").then((session) => session?.call(name));
    if (chat.queue.length < 100) chat.queue.push(queued);
    const can = name !== "start" || vendor.can.includes(value.match(/^(\w*):./)?.[1]);
    if (!can || name === "consent") loadFile("session");
    else if (/start|open/.test(name)) loadSession();
    return can;
  }

  /** Fetches one of our other files. @template {"session" | "button" | "help"} N @param {N} name
   * @returns {Promise<LiveChat.Files[N]>} undefined when it cannot be had; the next call tries again */
  function loadFile(name) {
    if (HELP && !vendor[name]) return Promise.resolve(undefined);
    return pendingFiles[name] ||= new Promise((done, fail) => {
      const receive = (/** @type {(core: LiveChat.Core) => any} */ make) =>
        done(files[name] ||= make(core));
      // Failing once it is done changes nothing. Before that, a network's page has come in the place of our file, say.
      inject(vendor[name], { livechat: receive, onload: fail, onerror: fail, onheld: fail });
      setTimeout(fail, TIMEOUT_MS, "timeout");
    }).catch((why) => {
      delete pendingFiles[name];
      if (name === "session") loadFailed(why);
    });
  }

  /** @param {string} source @param {object} more @returns {HTMLScriptElement} */
  function inject(source, more) {
    const { href } = new URL(source, base);
    const element = Object.assign(
      doc.createElement("script"), { async: true, src: types?.createScriptURL(href) ?? href }, more);
    doc.head.append(element);
    // A consent manager gives a script that it holds back a type that no browser runs, and no event tells of it.
    setTimeout(() => /^$|module|\/.*script$/.test(element.type) || element.onheld?.());
    return element;
  }

  /** Our own file has not come. @param {unknown} why */
  function loadFailed(why) {
    const open = chat.queue.filter(([name]) => name === "open").pop();
    chat.queue = chat.queue.filter(([name]) => name !== "open");
    chat.state = "failed";
    report("failed", { reason: !navigator.onLine ? "offline" : why === "timeout" ? why : "blocked" });
    if (open) openFallback(open[2], open[3]);
  }

  /** Keeps every button alive: it leads to the configured place, to where the launcher's own link leads, or says that
   * chat cannot be reached. @param {HTMLElement=} launcher @param {number=} clicked ms since 1970 @returns {false} */
  function openFallback(launcher, clicked) {
    const { fallback = "" } = vendor;
    loadFile("button").then((button) => {
      if (button) button.lead(launcher, clicked);
      else if (confirm(`Chat cannot be reached. ${fallback}`) && fallback) location.assign(fallback);
    });
    return false;
  }

  /** Finds the element that an event happened in, through shadow roots, since an icon may be a component of its own.
   * @param {Event} event @param {string} selector @returns {HTMLElement | undefined} */
  function within(event, selector) {
    const path = /** @type {HTMLElement[]} */ (event.composedPath());
    const { within = "*" } = vendor;
    const index = path.findIndex((node) => matches(node, selector));
    return path.slice(index).some((node) => node === chat.own || matches(node, within)) ? path[index] : undefined;
  }

  /** A menu or a dialog may stop a click on its way. The last listener where it is stopped is then ours, and sees
   * whether the page forbids it. @param {MouseEvent} event */
  function onClickCapture(event) {
    if (!within(event, OURS)) return;
    const signal = AbortSignal.timeout?.(0); // older browsers keep the listeners, which do nothing at the next click
    const onStopped = () => void (event.cancelBubble && onClick(event));
    for (const node of event.composedPath()) {
      // The method is called by its name here, since a form may have a field of that name.
      for (const capture of [true, false]) addEventListener.call(node, "click", onStopped, { capture, signal });
    }
    // Where the page lets no listener of ours run after its own, the click is looked at right after it.
    const stop = event.stopImmediatePropagation;
    event.stopImmediatePropagation = () => {
      stop.call(event);
      queueMicrotask(onStopped);
    };
  }

  /** @param {MouseEvent} event */
  function onClick(event) {
    if (event === lastClick) return;
    lastClick = event;
    const tracked = within(event, "[data-livechat-event]");
    if (tracked) call("track", tracked.dataset.livechatEvent);
    if (within(event, "[data-livechat-logout]")) call("logout");
    if (event.defaultPrevented) return;
    const starter = within(event, "[data-livechat-start],[data-livechat-tour]");
    if (starter) {
      const { livechatTour, livechatStart = `tour:${livechatTour}`, livechatOnce } = starter.dataset;
      if (call("start", livechatStart, starter, livechatOnce)) event.preventDefault();
    }
    const launcher = within(event, LAUNCHER);
    // Such a click opens a link in another tab, or downloads it: that is left to the browser.
    if (matches(launcher, "a[href]") && (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)) return;
    launch(event, launcher);
  }

  /** @param {Event} event @param {HTMLElement | null | undefined} launcher */
  function launch(event, launcher) {
    if (!launcher) return;
    event.preventDefault();
    const open = () => call("open", launcher.dataset.livechatMessage, launcher, Date.now());
    if (HELP && helpFirst()) loadFile("help").then((help) => (help ? help.toggle(launcher) : open()));
    else open();
  }

  // Which button is seen: the vendor's, or our own light one, which stands in until the vendor's is there.

  function hidden() {
    const { mobile, offline, closed } = chat.page.settings;
    return (mobile === "hide" && matchMedia("(max-width: 640px)").matches) || (offline === "hide" && !!closed);
  }

  function wantsButton() {
    const { launcher, consent: mode } = chat.page.settings;
    if (chat.hidden || hidden() || launcher === "none" || chat.page.load === "off") return false;
    if (launcher === "own") return true;
    if (chat.state === "ready") return false;
    if (chat.state === "ended") return hasConsent(true);
    if (HELP && strategy() === "help") return true;
    return buttonShown || strategy() === "intent" || (mode === "click" && !hasConsent());
  }

  /** Brings our own button up to date, or has it taken away. */
  function draw() {
    const wanted = buttonShown = wantsButton();
    // The button's file also counts what a visitor who is known has not read.
    if (wanted || "button" in pendingFiles || (vendor.kept && (chat.page.who ?? chat.last))) {
      loadFile("button").then((button) => button?.draw(wanted));
    }
  }

  // Consent.

  function denied() {
    const { consent: mode } = chat.page.settings;
    // Global Privacy Control is a no where consent is required; a click on the launcher is a yes of its own.
    return mode === "denied" || (mode === "required" && !!navigator.globalPrivacyControl);
  }

  /** @param {boolean} given */
  function consent(given) {
    const yes = chat.agreed = given && !denied();
    // It is stored at once, since the page may be left before the session is here.
    safely(() => localStorage[yes ? "setItem" : "removeItem"](keyOf("consent"), "yes"));
    if (yes) schedule();
    else call("consent", given);
  }

  /** @param {boolean=} clicked */
  function hasConsent(clicked) {
    const { consent: mode } = chat.page.settings;
    return !mode || (!!clicked && mode === "click") || (!denied() && (chat.agreed || stored("consent") === "yes"));
  }

  // For all of our files.

  /** @param {string} name @param {unknown=} detail */
  function report(name, detail = {}) {
    doc.dispatchEvent(new CustomEvent(`livechat:${name}`, { detail }));
  }

  /** Runs a call, and keeps its errors from the page. @template T @param {() => T} call @returns {T | null} */
  function safely(call) {
    try {
      return call();
    } catch (error) {
      console.warn("livechat:", error);
      return null;
    }
  }

  /** @param {string} name */
  function keyOf(name) {
    return `livechat${home}.${name}`;
  }

  /** @param {string} name @returns {string | null} also null where storage is blocked */
  function stored(name) {
    // Earlier versions kept it under names that two apps on one origin shared.
    try {
      return localStorage.getItem(keyOf(name)) ?? localStorage.getItem(`livechat.${vendor.name}.${name}`);
    } catch {
      return null;
    }
  }
}
