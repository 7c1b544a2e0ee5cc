// Tawk.to's official React package, as its documentation uses it.
import { createElement, createRef } from "react";
import { createRoot } from "react-dom/client";
import TawkMessengerReact from "@tawk.to/tawk-messenger-react";

const ref = createRef();
window.heard = [];
const hear = (name) => (detail) => window.heard.push([name, detail]);
createRoot(document.body.appendChild(document.createElement("div"))).render(
  createElement(TawkMessengerReact, {
    propertyId: "5f0c1d2e3a4b5c6d7e8f9a0b",
    widgetId: "default",
    ref,
    customStyle: { zIndex: 1234, visibility: { desktop: { position: "bl", xOffset: 30, yOffset: 30 } } },
    onLoad: hear("load"),
    onChatMaximized: hear("maximized"),
    onChatMinimized: hear("minimized"),
    onChatMessageAgent: hear("agent"),
    onUnreadCountChanged: hear("unread"),
  }),
);
window.peer = ref;
