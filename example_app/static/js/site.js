// Writes what the chat is doing into the footer, from the events that are the same for every vendor.
"use strict";

const LINES = {
  "livechat:ready": () => "Ready.",
  "livechat:open": () => "Open.",
  "livechat:close": () => "Closed again.",
  "livechat:message": () => "A message came in.",
  "livechat:unread": (detail) => `Unread: ${detail?.count ?? 0}.`,
  "livechat:status": (detail) => `Team ${typeof detail === "string" ? detail : detail?.status ?? "unknown"}.`,
  "livechat:failed": (detail) => `Could not load (${detail?.reason ?? "no reason given"}).`,
};

const line = document.querySelector("[data-chat-status]");
if (line) {
  for (const [name, text] of Object.entries(LINES)) {
    document.addEventListener(name, (event) => {
      if (event.detail?.count === 0) return; // nothing unread is no news
      line.textContent = text(event.detail);
      line.dataset.chatStatus = name;
    });
  }
}

for (const button of document.querySelectorAll("[data-consent]")) {
  button.addEventListener("click", () => window.livechat?.consent(button.dataset.consent === "yes"));
}
