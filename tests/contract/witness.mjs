// The official client: connects, joins, and prints one line of JSON for whatever happens, until it is ended.
import { io } from "socket.io-client";

const [url, transport, token, room] = process.argv.slice(2);
const say = (...what) => console.log(JSON.stringify(what));
const socket = io(url, { transports: transport.split("+"), auth: token ? { token } : {}, reconnection: false });

socket.on("connect", () => {
  say("connect");
  if (room) {
    const acked = setTimeout(() => say("no ack"), 500);
    socket.emit("joinProjectRoom", room, (answer) => {
      clearTimeout(acked);
      say("ack", answer);
    });
  }
});
// The upgrade may be over before the namespace is connected.
socket.io.on("open", () => socket.io.engine.on("upgrade", (transport) => say("upgrade", transport.name)));
socket.on("connect_error", (error) => say("connect_error", error.message));
socket.on("disconnect", (reason) => say("disconnect", reason));
socket.onAny((event, ...payload) => say("event", event, ...payload));
