// What the peers' pages share: React's root, and the page's own link, which opens the chat.
import { flushSync } from "react-dom";
import { createRoot } from "react-dom/client";

const place = document.getElementById("chat");

export const appId = place.dataset.app;

/** At once: an early click must find the link's handler, as it does in a page that React has hydrated. */
export function mount(element) {
  flushSync(() => createRoot(place).render(element));
}

/** For useLayoutEffect. */
export function onOpen(open) {
  const opener = document.getElementById("opener");
  const clicked = (event) => {
    event.preventDefault();
    open();
  };
  opener.addEventListener("click", clicked);
  return () => opener.removeEventListener("click", clicked);
}
