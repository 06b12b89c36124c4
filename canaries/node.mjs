// An official client on node, as a member of a room. Its settings are in $CANARY, see canaries/canary.py.
import { createRequire } from "node:module";
import { now, say } from "./say.mjs";

const settings = JSON.parse(process.env.CANARY);
const name = settings.client === "4" ? "socket.io-client" : `socket.io-client-${settings.client}`;
const { version } = createRequire(import.meta.url)(`${name}/package.json`);
const module = await import(name);
const io = module.io ?? module.default;
const parser = settings.parser === "msgpack" ? { parser: await import("socket.io-msgpack-parser") } : {};
const options = { transports: settings.transports, reconnectionDelay: 500, ...settings.options, ...parser };
const socket = io(settings.url, options);

say("client", now(), `socket.io-client ${version} on node ${process.versions.node}`);
socket.on("connect", () => {
  say("connected", now());
  socket.emit(settings.join, settings.room);
});
socket.on(settings.joined, () => say("joined", now()));
socket.on(settings.refusal, (why) => say("refused", now(), JSON.stringify(why)));
socket.on("connect_error", (error) => say("refused", now(), String(error.message ?? error)));
// Of Socket.IO 2, whose server refuses by a packet of its own.
socket.on("error", (error) => say("refused", now(), String(error.message ?? error)));
socket.on("disconnect", (reason) => say("lost", now(), reason));
for (const event of settings.events) {
  socket.on(event, (...args) => {
    // A server that wants an acknowledgement waits for every member of the room.
    const ack = typeof args.at(-1) === "function" ? args.pop() : undefined;
    say("event", now(), event, JSON.stringify(args[0]));
    ack?.();
  });
}
