// The official Socket.IO server: what our transport must get on with. Argument: options as JSON; of our own:
// refusesWebSockets, as some proxies do; refusesAfter, disconnectsAfter and closesAfter: how many clients it lets in
// before a middleware refuses them, before it disconnects them at once, and before it closes them unanswered.
import { createServer } from "node:http";
import { Server } from "socket.io";

const http = createServer();
const {
  refusesWebSockets = false, refusesAfter = Infinity, disconnectsAfter = Infinity, closesAfter = Infinity, ...options
} = JSON.parse(process.argv[2] ?? "{}");
const io = new Server(http, options);
io.engine.use((request, _, next) => {
  next(refusesWebSockets && request._query.transport === "websocket" ? new Error("no WebSockets here") : undefined);
});

let opened = 0, came = 0;
io.engine.on("connection", (connection) => {
  if (++opened > closesAfter) connection.close();
});
io.use((_, next) => next(++came > refusesAfter ? new Error("token expired") : undefined));
io.on("connection", (socket) => {
  if (came > disconnectsAfter) socket.disconnect();
});

function echo(socket) {
  socket.on("echo", (...args) => {
    const ack = typeof args.at(-1) === "function" ? args.pop() : undefined;
    if (ack) ack(...args);
    else socket.emit("echo", ...args);
  });
}

io.on("connection", (socket) => {
  echo(socket);
  socket.emit("welcome", socket.handshake.auth);
  socket.on("joinProjectRoom", (room) => {
    socket.join(room);
    socket.emit("joinedRoom", `You have successfully joined project room ${room}`);
  });
  socket.on("count", (room, many) => {
    for (let n = 0; n < many; n++) io.to(room).emit("n", n);
  });
  socket.on("ask-me", () => socket.emit("question", 6, (answer) => socket.emit("answered", answer)));
  socket.on("drop-me", () => socket.conn.close());
  socket.on("throw-me-out", () => socket.disconnect(true));
});
io.of("/admin").use((socket, next) => next(socket.handshake.auth.token === "good" ? undefined : new Error("no admin")));
io.of("/admin").on("connection", echo);
http.listen(0, "127.0.0.1", () => console.log(http.address().port));
