// An official Socket.IO server that sends each client of one room every kind of broadcast, once it asks for them.
// Argument, as JSON: parser (default or msgpack), names (of the events), repeats.
import { createServer } from "node:http";
import { Server } from "socket.io";
import * as msgpack from "socket.io-msgpack-parser";

const { parser = "default", names, repeats = 1 } = JSON.parse(process.argv[2]);
const http = createServer();
const io = new Server(http, parser === "msgpack" ? { parser: msgpack.default ?? msgpack } : {});
const small = (n) => Buffer.from([n, 255, 0]);

io.on("connection", (socket) => {
  socket.join("room");
  socket.on("begin", async () => {
    const acks = [];
    for (let n = 0; n < repeats; n++) {
      for (const name of names) {
        io.to("room").emit(name, n, "plain");
        io.to("room").emit(name, n, { one: small(1) });
        io.to("room").emit(name, n, small(1), ["x", { two: Buffer.alloc(9000, n) }], small(3));
        acks.push(io.to("room").timeout(5000).emitWithAck(name, n, "ack"));
        acks.push(io.to("room").timeout(5000).emitWithAck(name, n, { ack: small(2) }));
        acks.push(socket.timeout(5000).emitWithAck(name, n, "mine").then((answer) => [answer]));
      }
    }
    const settled = await Promise.allSettled(acks);
    io.to("room").emit("done", settled.map(({ status, value }) => (status === "fulfilled" ? value : "no answer")));
  });
});
http.listen(0, "127.0.0.1", () => console.log(http.address().port));
