/**
 * Keeps the inbox up to date, and sends its forms without leaving the page. Without this file links, forms and a reload
 * do the same.
 *
 * What the server answers is a document that the browser itself has read: no text is made markup here.
 */
(() => {
  const inbox = document.getElementById("inbox");
  if (!inbox) return;

  const LOOKED_AT_MS = 3000;
  const IDLE_MS = 15_000; // between two questions, once nobody has touched the page for so long:
  const IDLE_AFTER_MS = 300_000;
  const MAX_PAUSE_MS = 60_000; // after errors
  const READ_MS = 2000; // for which a new message is on the screen until it counts as seen
  const NAME = "livechat-inbox"; // of the lock, the channel and what is kept in this browser
  const thread = /** @type {HTMLElement | null} */ (document.querySelector("[data-conversation]"));
  const text = /** @type {HTMLTextAreaElement | null} */ (document.getElementById("text"));
  const log = document.getElementById("log");
  const isPhone = matchMedia("(max-width: 48rem)");
  const notify = document.getElementById("notify");
  const draftKey = `${NAME}:${location.pathname}:${thread?.dataset.conversation}`;
  const channel = new BroadcastChannel(NAME);
  let cursor = list().dataset.cursor || "";
  let touchedAt = Date.now();
  let failures = 0;
  let sent = 0; // forms: what was asked before the last one is out of date
  /** @type {string | null} */
  let draft = null; // as this tab has stored it
  /** @type {number | undefined} */
  let timer;
  /** @type {(() => void) | undefined} */
  let release; // of the lock, while this tab asks for all
  /** @type {AbortController | undefined} */
  let waiting; // for the lock

  // What is asked, and what becomes of the answer.

  /**
   * @param {string} method @param {string} url @param {URLSearchParams} [body]
   * @returns {Promise<{status: number, page: Document | null}>} status 0: the network is away
   */
  function ask(method, url, body) {
    return new Promise((resolve) => {
      const call = new XMLHttpRequest();
      call.open(method, url);
      call.responseType = "document";
      call.timeout = 30_000;
      call.onloadend = () => resolve({ status: call.status, page: call.status === 304 ? null : call.response });
      call.send(body);
    });
  }

  async function poll() {
    const query = new URLSearchParams(location.search);
    query.set("after", cursor);
    query.delete("agents");
    const before = sent;
    const { status, page } = await ask("GET", `${inbox?.dataset.changes}?${query}`);
    const isOurs = status === 200 && isWhole(page);
    failures = isOurs || status === 304 ? 0 : failures + 1;
    const isGone = status && status < 500 && !page?.getElementById("inbox"); // a page to sign in, say
    const reason = isGone ? "You are signed out. Load the page again." : "Nothing new arrives: this may be old.";
    stale(failures < 2 ? "" : reason);
    if (isOurs && page && before === sent) {
      show(page, false);
      channel.postMessage(cursor);
    }
  }

  /**
   * An answer that was cut on its way may look like a short one. Its cursor would hide for good what it lacks.
   *
   * @param {Document | null} page
   */
  function isWhole(page) {
    return Boolean(page?.getElementById("end"));
  }

  /** @param {Document} page @param {boolean} isOwn whether it answers a form of this tab */
  function show(page, isOwn) {
    const before = waitingRows();
    cursor = list(page).dataset.cursor || "";
    for (const old of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-live]"))) {
      const fresh = page.getElementById(old.id);
      if (!fresh) continue;
      const follows = old.id === "entries" && isAtEnd();
      replaceChildren(old, fresh, isOwn);
      if (follows) toEnd();
    }
    const seen = page.getElementById("entries")?.dataset.seen;
    if (seen) setTimeout(markSeen, isOwn ? 0 : READ_MS, seen);
    tell(before);
  }

  /**
   * Children with the same id and content stay: so does the focus, and a screen reader hears what is new.
   *
   * @param {HTMLElement} old @param {HTMLElement} fresh @param {boolean} force also what has the focus
   */
  function replaceChildren(old, fresh, force) {
    const known = new Map([...old.children].map((child) => [child.id, child]));
    const children = [...fresh.children].map((child) => {
      const same = known.get(child.id);
      const isInUse = same?.contains(document.activeElement) && same.tagName === "DIV" && !force;
      return same && (isInUse || same.isEqualNode(child)) ? same : document.adoptNode(child);
    });
    for (const child of [...old.children]) {
      if (!children.includes(child)) {
        const link = child.querySelector("a:focus") && children.find(({ id }) => id === child.id);
        child.remove();
        if (link) setTimeout(() => link.querySelector("a")?.focus());
      }
    }
    children.forEach((child, n) => {
      if (old.children[n] !== child) old.insertBefore(child, old.children[n] || null);
    });
  }

  /** @param {string} seen */
  function markSeen(seen) {
    const field = /** @type {HTMLInputElement | null} */ (document.querySelector("#answer [name=seen]"));
    if (field && !document.hidden) field.value = seen;
  }

  // When it is asked: by one tab for all, while somebody looks.

  function schedule() {
    clearTimeout(timer);
    if (!release) return;
    const usual = Date.now() - touchedAt < IDLE_AFTER_MS && !document.hidden ? LOOKED_AT_MS : IDLE_MS;
    const pause = failures ? Math.min(MAX_PAUSE_MS, usual * 2 ** failures) : usual;
    timer = setTimeout(tick, pause * (0.8 + Math.random() * 0.2));
  }

  async function tick() {
    await poll();
    schedule();
  }

  function look() {
    if (document.hidden && !isNotifying()) {
      waiting?.abort();
      release?.();
      waiting = release = undefined;
      clearTimeout(timer);
    } else if (!waiting) {
      waiting = new AbortController();
      const lead = () => new Promise((resolve) => {
        release = () => resolve(undefined);
        schedule();
      });
      if (navigator.locks) navigator.locks.request(NAME, { signal: waiting.signal }, lead).catch(() => {});
      else lead();
    }
    if (!document.hidden) tick();
  }

  channel.onmessage = ({ data }) => {
    if (data !== cursor && (!document.hidden || isNotifying())) poll();
  };
  document.addEventListener("visibilitychange", look);
  addEventListener("online", () => tick());
  for (const name of ["pointerdown", "pointermove", "keydown", "scroll"]) {
    addEventListener(name, () => {
      const wasIdle = Date.now() - touchedAt > IDLE_AFTER_MS;
      touchedAt = Date.now();
      if (wasIdle) tick();
    }, { passive: true, capture: true });
  }

  // Forms: what they do is shown at once, and taken back with a word where the vendor refuses.

  document.addEventListener("submit", async (event) => {
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (form.method !== "post") return;
    event.preventDefault();
    const button = /** @type {HTMLButtonElement | null} */ (event.submitter);
    const values = new FormData(form);
    if (button?.name) values.set(button.name, button.value);
    const words = form.id === "answer" && text ? text.value : "";
    const undo = words ? showAnswer(words, Boolean(button && "note" in button.dataset)) : hideRow(form.dataset.action);
    say("");
    if (button) button.disabled = true;
    sent += 1;
    const where = button?.getAttribute("formaction") || form.getAttribute("action") || "";
    const body = new URLSearchParams(/** @type {[string, string][]} */ ([...values]));
    const { status, page } = await ask("POST", where, body);
    if (button) button.disabled = false;
    undo();
    sent += 1;
    if (page && isWhole(page)) show(page, true);
    if (status !== 200) {
      if (words && text) text.value = words;
      const reason = page?.getElementById("word")?.textContent || page?.body.textContent?.trim();
      say(reason || "The network is away. Nothing was sent, or nobody knows: look before you try again.");
    }
    keepDraft();
  });

  /** @param {string} words @param {boolean} isNote @returns {() => void} what takes it back */
  function showAnswer(words, isNote) {
    const item = document.createElement("li");
    const line = document.createElement("p");
    item.className = `${isNote ? "note" : "agent"} going`;
    line.className = "text";
    line.textContent = words;
    item.append(line);
    document.getElementById("entries")?.append(item);
    toEnd();
    if (text) text.value = "";
    return () => item.remove();
  }

  /** @param {string} [action] @returns {() => void} */
  function hideRow(action = "") {
    const row = document.querySelector("#rows [aria-current]")?.closest("li");
    if (!row || !["close", "reopen", "snooze"].includes(action)) return () => {};
    row.hidden = true;
    return () => {
      row.hidden = false;
    };
  }

  /** Another tab's draft for the same conversation is not this one's to remove. */
  function keepDraft() {
    if (!text) return;
    if (text.value) localStorage.setItem(draftKey, text.value);
    else if (localStorage.getItem(draftKey) === draft) localStorage.removeItem(draftKey);
    draft = text.value;
  }

  // Told by a click only: desktop notifications, and how many wait in the title.

  function isNotifying() {
    return "Notification" in window && Notification.permission === "granted" && localStorage.getItem(NAME) === "notify";
  }

  function waitingRows() {
    const rows = [...document.querySelectorAll("#rows li")].filter((row) => row.querySelector(".waits"));
    return new Map(rows.map((row) => [row.id + row.querySelector("time")?.dateTime, row]));
  }

  /** @param {Map<string, Element>} before */
  function tell(before) {
    notify?.setAttribute("aria-pressed", String(isNotifying()));
    const count = document.querySelector("#tab-waiting b")?.textContent;
    document.title = isNotifying() && count !== "0" ? `(${count}) Inbox` : "Inbox";
    if (!isNotifying() || document.hasFocus()) return;
    for (const [key, row] of waitingRows()) {
      if (before.has(key)) continue;
      const note = new Notification(row.querySelector(".who")?.textContent || "Inbox", {
        body: row.querySelector(".words")?.textContent || "",
        tag: row.id,
      });
      note.onclick = () => {
        focus();
        row.querySelector("a")?.click();
      };
    }
  }

  notify?.addEventListener("click", async () => {
    const isOn = isNotifying();
    localStorage.setItem(NAME, isOn ? "" : "notify");
    if (!isOn) await Notification.requestPermission();
    tell(waitingRows());
  });

  // Keys.

  document.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (target === text && event.key === "Enter" && (event.ctrlKey || event.metaKey)) text.form?.requestSubmit();
    // What was in the dialog has the focus for a moment after it is closed.
    const place = target.closest("dialog") ? "dialog[open]" : "input, textarea, select";
    if (event.ctrlKey || event.metaKey || event.altKey || target.closest(place)) return;
    const act = keys[event.key];
    if (!act || (singleKeys && !singleKeys.checked)) return;
    event.preventDefault();
    act();
  });

  // Whoever speaks to a computer, or rests a hand on it, may switch them off.
  const singleKeys = /** @type {HTMLInputElement | null} */ (document.getElementById("single-keys"));
  if (singleKeys) singleKeys.checked = localStorage.getItem(`${NAME}:keys`) !== "off";
  singleKeys?.addEventListener("change", () => {
    localStorage.setItem(`${NAME}:keys`, singleKeys.checked ? "on" : "off");
  });

  /** @type {Record<string, () => void>} */
  const keys = {
    j: () => step(1),
    k: () => step(-1),
    r: () => text?.focus(),
    e: () => {
      const form = document.querySelector("[data-action=close], [data-action=reopen]");
      /** @type {HTMLFormElement | null} */ (form)?.requestSubmit();
    },
    "?": () => /** @type {HTMLDialogElement | null} */ (document.getElementById("keys"))?.showModal(),
  };

  /** @param {number} by */
  function step(by) {
    const links = [.../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("#rows a"))];
    const at = links.findIndex((link) => link.hasAttribute("aria-current"));
    links[at < 0 ? 0 : at + by]?.click();
  }

  // The rest.

  /** @param {Document} [page] @returns {HTMLElement} */
  function list(page = document) {
    return /** @type {HTMLElement} */ (page.querySelector("[data-cursor]"));
  }

  /** Says why nothing comes, and takes that alone back. @param {string} words */
  function stale(words) {
    const line = document.getElementById("word");
    if (!words && !line?.dataset.stale) return;
    say(words);
    if (line) line.dataset.stale = words;
  }

  /** @param {string} words */
  function say(words) {
    const line = document.getElementById("word");
    if (!line) return;
    line.hidden = !words;
    if (line.textContent !== words) line.textContent = words;
  }

  // On a phone it is the page that scrolls, and the form stands below the messages.

  function isAtEnd() {
    if (isPhone.matches) return (text?.getBoundingClientRect().top || 0) < innerHeight;
    return !log || log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  }

  function toEnd() {
    if (isPhone.matches) text?.form?.scrollIntoView({ block: "end" });
    else log?.scrollTo(0, log.scrollHeight);
  }

  function tellTime() {
    for (const badge of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-since]"))) {
      const seconds = Math.max(0, (Date.now() - Date.parse(badge.dataset.since || "")) / 1000);
      const minutes = Math.floor(seconds / 60);
      const hours = minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} d`;
      badge.textContent = `waits ${minutes < 120 ? `${minutes} min` : hours}`;
      badge.classList.toggle("late", seconds > Number(badge.dataset.target));
    }
  }

  for (const button of [notify, document.getElementById("help")]) {
    if (button) button.hidden = button === notify && !("Notification" in window);
  }
  document.getElementById("help")?.addEventListener("click", () => keys["?"]());
  if (text && !text.value) text.value = draft = localStorage.getItem(draftKey) || "";
  text?.addEventListener("input", keepDraft);
  document.getElementById("article")?.closest("label")?.removeAttribute("hidden");
  document.getElementById("article")?.addEventListener("change", ({ target }) => {
    const choice = /** @type {HTMLSelectElement} */ (target);
    text?.setRangeText(choice.value, text.selectionStart, text.selectionEnd, "end");
    choice.value = "";
    text?.focus();
    keepDraft();
  });
  setInterval(tellTime, 15_000);
  toEnd();
  tell(waitingRows());
  look();
})();
