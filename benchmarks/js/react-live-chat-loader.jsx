// As its README says: the provider, with its own button that stands in, and useChat for a button of the page.
import { useLayoutEffect } from "react";
import { Intercom, LiveChatLoaderProvider, useChat } from "react-live-chat-loader";
import { appId, mount, onOpen } from "./mount.js";

function Opener() {
  const [, loadChat] = useChat();
  useLayoutEffect(() => onOpen(() => loadChat({ open: true })), [loadChat]);
  return null;
}

mount(
  <LiveChatLoaderProvider provider="intercom" providerKey={appId}>
    <Opener />
    <Intercom />
  </LiveChatLoaderProvider>,
);
