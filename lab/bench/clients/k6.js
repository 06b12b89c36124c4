// k6 with Socket.IO's frames by hand: a virtual user for each connection, and a counter for what it receives.
import ws from "k6/ws";
import { Counter } from "k6/metrics";

const received = new Counter("received");
const address = __ENV.URL.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket";

export const options = {
  scenarios: { all: { executor: "per-vu-iterations", vus: Number(__ENV.CONNECTIONS), iterations: 1, maxDuration: "10m" } },
};

export default function () {
  ws.connect(address, {}, (socket) => {
    socket.on("message", (packet) => {
      if (packet === "2") socket.send("3");
      else if (packet[0] === "0") socket.send('40{"token":"x"}');
      else if (packet.startsWith("40")) socket.send('42["joinProjectRoom","bench/0"]');
      else if (packet.startsWith('42["agentLog"')) received.add(1);
    });
  });
}
