// The server that all clients are compared on: Socket.IO 4.8, broadcasts with a trace at a fixed rate, to all rooms in
// turn: "bench/0", "bench/1" and so on.
// Commands on standard input: "members", and "burst RATE SECONDS"; answers on standard output are lines of JSON.
// Arguments, for wss: the files of a key and of its certificate.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { createInterface } from "node:readline";
import { crc32 } from "node:zlib";
import { Server } from "socket.io";

const [key, cert] = process.argv.slice(2).map((file) => readFileSync(file));
const http = key ? createSecureServer({ key, cert }) : createServer();
const io = new Server(http, { perMessageDeflate: false, transports: ["websocket"] });
const say = (what) => console.log(JSON.stringify(what));
const rooms = new Map(); // name -> [its number, the sequence number of its next broadcast]

io.on("connection", (socket) => {
  socket.on("joinProjectRoom", (room) => {
    socket.join(room);
    if (!rooms.has(room)) rooms.set(room, [Number(room.split("/")[1]), 0]);
    socket.emit("joinedRoom", `You have successfully joined project room ${room}`);
  });
});

function token(room) {
  const due = (BigInt(Date.now()) * 1000000n).toString(16);
  const stream = rooms.get(room);
  const body = `0123abcd.${stream[0].toString(16)}.1.${(stream[1]++).toString(16)}.${due}`;
  return `~${body}.${crc32(body).toString(16).padStart(8, "0")}~`;
}

function broadcast(room) {
  io.to(room).emit("agentLog", {
    message: `[Оркестратор]: Принял задачу "Load test ${token(room)}" в работу.`,
    agentId: "11111111-2222-4333-8444-555555555555",
    agentName: "Agent-11111111",
    timestamp: new Date().toISOString(),
  });
}

const sizeOf = (room) => io.sockets.adapter.rooms.get(room)?.size ?? 0;
const countMembers = () => [...rooms.keys()].reduce((sum, room) => sum + sizeOf(room), 0);

function burst(rate, seconds) {
  const members = countMembers();
  const names = [...rooms.keys()];
  let deliveries = 0;
  const started = performance.now();
  const total = Math.round(rate * seconds);
  let sent = 0;
  const timer = setInterval(() => {
    const due = Math.min(total, Math.floor(((performance.now() - started) / 1000) * rate));
    for (; sent < due; sent++) {
      const room = names[sent % names.length];
      broadcast(room);
      deliveries += sizeOf(room);
    }
    if (sent >= total) {
      clearInterval(timer);
      say({ sent, members, deliveries, seconds: (performance.now() - started) / 1000 });
    }
  }, 1000 / rate);
}

createInterface({ input: process.stdin }).on("line", (line) => {
  const [command, ...numbers] = line.split(" ");
  if (command === "members") say({ members: countMembers() });
  if (command === "burst") burst(...numbers.map(Number));
});
process.stdin.on("end", () => process.exit(0));
http.listen(0, "127.0.0.1", () => say({ port: http.address().port }));
