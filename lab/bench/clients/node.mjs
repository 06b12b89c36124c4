// socket.io-client on node, with a handler that does nothing.
import { io } from "socket.io-client";

const [url, count] = process.argv.slice(2);
const connections = Number(count);
let joined = 0;
let received = 0;
let opened = 0;

function connect() {
  if (opened++ >= connections) return;
  const socket = io(url, { transports: ["websocket"], forceNew: true, auth: { token: "x".repeat(200) } });
  socket.on("connect", () => socket.emit("joinProjectRoom", "bench/0"));
  socket.on("joinedRoom", () => {
    if (++joined === connections) console.log(JSON.stringify({ ready: true }));
    connect();
  });
  socket.on("agentLog", () => received++);
}
console.log(JSON.stringify({ start: true }));
for (let i = 0; i < 50; i++) connect();
process.stdin.on("end", () => {
  console.log(JSON.stringify({ received }));
  process.exit(0);
});
process.stdin.resume();
