// A canary in its room, on node and on a page alike: it joins, and says what happens. It imports nothing.
export const now = () => performance.timeOrigin + performance.now();

/** @param explain what an error of connecting says, in one line */
export function join(socket, settings, say, explain = (error) => String(error.message ?? error)) {
  const transport = ({ name }) => say("transport", now(), name);
  socket.on("connect", () => {
    // Each connection has an engine of its own.
    const { engine } = socket.io;
    transport(engine.transport);
    engine.on("upgrade", transport);
    say("connected", now());
    socket.emit(settings.join, settings.room);
  });
  socket.on(settings.joined, () => say("joined", now()));
  socket.on(settings.refusal, (why) => say("refused", now(), JSON.stringify(why)));
  socket.on("connect_error", (error) => say("refused", now(), explain(error)));
  // Of Socket.IO 2, whose server refuses by a packet of its own.
  socket.on("error", (error) => say("refused", now(), explain(error)));
  socket.on("disconnect", (reason) => say("lost", now(), reason));
  for (const event of settings.events) {
    socket.on(event, (...args) => {
      // A server that wants an acknowledgement waits for every member of the room.
      const ack = typeof args.at(-1) === "function" ? args.pop() : undefined;
      say("event", now(), event, JSON.stringify(args[0]));
      ack?.();
    });
  }
}
