/**
 * Our own light button, which stands in until the vendor's is there, or for good when the app wants it so. And the count of
 * what an identified visitor has not read, until the vendor tells it: our server knows, where it keeps what is said.
 *
 * And where a launcher leads when there is no chat to open.
 *
 * @param {LiveChat.Core} core @param {Record<string, string>} languages each one's file @returns {LiveChat.Button}
 */
function button({ call, chat, doc, vendor, base, inject, maySpeak, matches, report, safely }, languages) {
  const WORD_MS = 15000; // for which a word stands, unless somebody is at it
  const RTL = /^(ar|fa|he|ur)\b/;
  /** @type {LiveChat.Texts} */
  let texts = { chat: "Chat with us", message: "Leave a message", unread: "{n} unread", unreachable: "Chat cannot be reached.", consent: "Chat needs your consent first.", contact: "Contact us" };
  let lang = "en"; // theirs
  /** The language that was asked for last: a file that does not come is not asked for again. */
  let language = lang;
  /** @type {HTMLElement | null} */
  let host = null;
  let shown = false;
  /** What is said beside it. @type {{name: "unreachable" | "consent", href?: string} | null} */
  let word = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  if (vendor.kept) {
    if (doc.prerendering) doc.addEventListener("prerenderingchange", countLater, { once: true });
    else countLater();
  }
  // A modal dialog makes all that stands beside it inert: the button goes in, and comes out again.
  for (const name of ["toggle", "close"]) doc.addEventListener(name, () => host && place(host), true);
  addEventListener("keydown", ({ key }) => key === "Escape" && say(null));
  addEventListener("pointerdown", (event) => host && !event.composedPath().includes(host) && say(null), true);
  return { draw, lead };

  function countLater() {
    (typeof requestIdleCallback === "function" ? requestIdleCallback : setTimeout)(() => count().catch(() => {}));
  }

  async function count() {
    const { page } = chat;
    // A page that is the same for everybody does not say who it is: then whoever was started here last may be somebody.
    if (!(page.who ?? chat.last) || page.load === "off" || chat.state !== "waiting" || !maySpeak()) return;
    const answer = await fetch(`${base}unread`, { credentials: "same-origin", cache: "no-store" });
    const { unread } = await answer.json();
    if (!(unread > 0) || chat.state !== "waiting" || chat.page !== page) return; // by now the vendor tells, or it is another's
    chat.unread = unread;
    for (const element of doc.querySelectorAll("[data-livechat-unread]")) element.textContent = String(unread);
    render();
    report("unread", { count: unread });
  }

  // Where a launcher leads.

  /** @param {HTMLElement | undefined} launcher @param {boolean=} late so long after the click that a page is not left for it */
  function lead(launcher, late) {
    const target = vendor.fallback || (launcher instanceof HTMLAnchorElement && launcher.href);
    const url = target && safely(() => new URL(target, location.href));
    // The page's markup chooses a place, not code: no javascript: address gets through. And a bare "#" leads nowhere.
    const elsewhere = url && (url.hash || url.href.split("#")[0] !== location.href.split("#")[0]);
    const leaves = url && /^https?:/.test(url.protocol);
    const usable = elsewhere && (leaves ? navigator.onLine : /^(mailto|tel):/.test(url.protocol));
    if (usable && !late && !(leaves && isWriting())) return location.assign(url.href);
    say({ name: maySpeak(true) ? "unreachable" : "consent", href: usable ? url.href : undefined });
  }

  /** Whether a page that is left now takes something along that somebody is writing. */
  function isWriting() {
    if (matches(doc.activeElement, "input:not([type=button],[type=submit],[type=reset]),textarea,select,[contenteditable]")) return true;
    return [...doc.querySelectorAll("input,textarea,select")].some((/** @type {any} */ field) => {
      if (field instanceof HTMLSelectElement) return field.selectedIndex > 0 && ![...field.options].some((option) => option.defaultSelected && option.selected);
      return field.value !== field.defaultValue || !!field.checked !== !!field.defaultChecked;
    });
  }

  /** Says something for a while, or no more. @param {typeof word} next */
  function say(next) {
    if (!next && !word) return;
    clearTimeout(timer);
    word = next;
    render();
    const output = host?.shadowRoot?.querySelector("output");
    if (word) timer = setTimeout(() => (output?.matches(":hover, :focus-within") ? say(word) : say(null)), WORD_MS);
  }

  /** Draws again in the page's language, else the browser's, once its file is here. */
  function translate() {
    const tags = [chat.page.settings.locale, doc.documentElement.lang, navigator.language, "en"].map((tag) => (tag || "").replace("_", "-").toLowerCase());
    const best = tags.flatMap((tag) => [tag, tag.split("-")[0]]).find((tag) => languages[tag]) || "en";
    if (best === language) return;
    language = best;
    inject(languages[best], { livechat(/** @type {() => LiveChat.Texts} */ read) {
      if (best !== language) return;
      [lang, texts] = [best, read()];
      render();
    } });
  }

  // The button.

  /** What was said before is of a state that is over. @param {boolean} wanted */
  function draw(wanted) {
    shown = wanted;
    word = null;
    render();
  }

  /** Puts it there, brings it up to date, or takes it away. It stands where something is said, too. */
  function render() {
    if (!shown && !word) {
      host?.remove();
      host = null;
      return;
    }
    host = host || make();
    place(host);
    translate();
    const [face, badge, output] = /** @type {HTMLElement[]} */ ([.../** @type {ShadowRoot} */ (host.shadowRoot).children]);
    const { unread, page: { settings } } = chat;
    const label = settings.closed && settings.offline === "leave-message" ? texts.message : texts.chat;
    for (const element of [face, output]) Object.assign(element, { lang, dir: RTL.test(lang) ? "rtl" : "ltr" });
    face.setAttribute("aria-label", unread ? `${label}, ${texts.unread.replace("{n}", String(unread))}` : label);
    face.setAttribute("aria-expanded", String(!!chat.open));
    face.setAttribute("aria-busy", String(chat.state === "loading"));
    badge.textContent = unread ? String(unread) : "";
    const text = word ? texts[word.name] : "";
    if (output.firstChild?.textContent === (text || undefined)) return; // a live region says what is new in it
    const link = word?.href && Object.assign(doc.createElement("a"), { href: word.href, textContent: texts.contact });
    output.replaceChildren(text, ...(link ? [" ", link] : []));
  }

  /** Beside the body, which whatever swaps pages leaves alone, or in the dialog that is open. @param {HTMLElement} element */
  function place(element) {
    const dialog = safely(() => [...doc.querySelectorAll("dialog:modal")].pop());
    const parent = dialog || doc.documentElement;
    if (element.parentElement === parent) return;
    parent.append(element);
    // On the top layer no dialog's own transform or overflow moves or cuts it.
    if (dialog) safely(() => Object.assign(element, { popover: "manual" }).showPopover());
    else element.removeAttribute("popover");
  }

  function make() {
    const { side, x = 20, y = 20, mobile_x: mobileX = 10, mobile_y: mobileY = 70 } = chat.page.settings.position || {};
    const rtl = getComputedStyle(doc.body || doc.documentElement).direction === "rtl";
    const edge = (side || (rtl && "left")) === "left" ? "left" : "right"; // values only: no text of the page enters the CSS
    /** @param {number} across @param {number} up @param {number} more */
    const at = (across, up, more) => `${edge}:calc(${(Number(across) || 0) + more}px + env(safe-area-inset-${edge},0px));`
      + `bottom:calc(${(Number(up) || 0) + more}px + env(safe-area-inset-bottom,0px));`;
    const element = doc.createElement("div");
    const sheet = new CSSStyleSheet();
    // Through the CSSOM, so that a strict style-src holds. Important, since the page's rules for our element would win over
    // others. On a phone the panel has a way to close it, where we would stand.
    sheet.replaceSync([
      ":host{all:initial!important;position:fixed!important;width:0!important;height:0!important;z-index:2147483000!important;overflow:visible!important}",
      `button,span,output{position:fixed;z-index:2147483000;${at(x, y, 0)}font:14px/1.4 system-ui,sans-serif}`,
      "button{width:56px;height:56px;border:2px solid transparent;border-radius:50%;padding:13px;cursor:pointer;background:#1f3a5f;color:#fff;box-shadow:0 2px 10px #0005}",
      "button:focus-visible{outline:3px solid #fff;box-shadow:0 0 0 6px #1f3a5f}",
      "[aria-busy=true]{opacity:.7}",
      `span{${at(x, y, 38)}min-width:20px;border-radius:10px;background:#b3261e;color:#fff;text-align:center;pointer-events:none}`,
      `output{${at(x, y, 66)}box-sizing:border-box;max-width:min(260px,100vw - ${(Number(x) || 0) + 74}px);max-height:calc(100vh - 100px);overflow:auto;overflow-wrap:anywhere;border:1px solid transparent;border-radius:8px;padding:8px 12px;background:#fff;color:#111;box-shadow:0 2px 10px #0005}`,
      "a{color:#1f3a5f}",
      ":empty:not(path){display:none}",
      `@media(max-width:640px){button{${at(mobileX, mobileY, 0)}}span{${at(mobileX, mobileY, 38)}}output{${at(mobileX, mobileY, 66)}max-width:min(260px,100vw - ${(Number(mobileX) || 0) + 74}px)}[aria-expanded=true]{display:none}}`,
      // Where there is no room above the button, the word stands in its place.
      "@media(max-width:300px),(max-height:320px){output{inset:auto 8px 8px;max-width:none;max-height:calc(100vh - 16px);width:fit-content;margin-inline-start:auto}}",
      "@media(prefers-color-scheme:dark){button{background:#a8c7fa;color:#0b1f3a}output{background:#222;color:#eee}a{color:#a8c7fa}}",
      "@media(forced-colors:active){button{border-color:ButtonText}}",
      "@media print{*{display:none}}",
    ].join(""));
    const shadow = element.attachShadow({ mode: "open" });
    const face = doc.createElement("button");
    face.type = "button";
    face.dataset.livechatOpen = "";
    face.append(bubble());
    face.addEventListener("click", (event) => {
      if (!chat.open) return;
      event.preventDefault(); // it opens nothing then
      call("close");
    });
    shadow.adoptedStyleSheets = [sheet];
    shadow.append(face, doc.createElement("span"), doc.createElement("output"));
    chat.own = element;
    return element;
  }

  function bubble() {
    const name = "http://www.w3.org/2000/svg";
    const svg = doc.createElementNS(name, "svg");
    const path = doc.createElementNS(name, "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("fill", "currentColor");
    path.setAttribute("d", "M4 3h16a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H9l-5 4v-4a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2z");
    svg.append(path);
    return svg;
  }
}
