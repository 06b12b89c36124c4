// The official client on a page in a headless Chromium, as a member of a room. Its settings are in $CANARY.
import { spawn } from "node:child_process";
import { createReadStream, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { now, say } from "./say.mjs";

const settings = JSON.parse(process.env.CANARY);
const require = createRequire(import.meta.url);
const { version } = require("socket.io-client/package.json");
const bundle = settings.parser === "msgpack" ? "socket.io.msgpack.min.js" : "socket.io.min.js";
const library = join(require.resolve("socket.io-client/package.json"), "..", "dist", bundle);

const page = `<!doctype html><title>canary</title><script src="/client.js"></script><script>
const settings = ${JSON.stringify(settings)};
const now = () => performance.timeOrigin + performance.now();
let lines = [];
const say = (...what) => {
  if (lines.push(what) === 1) setTimeout(() => { fetch("/said", { method: "POST", body: JSON.stringify(lines) }); lines = []; }, 20);
};
const socket = io(settings.url, { transports: settings.transports, reconnectionDelay: 500, ...settings.options });
say("client", now(), "socket.io-client ${version} on a page in " + navigator.userAgent.match(/(Headless)?Chrome\\S+/)[0]);
socket.on("connect", () => { say("connected", now()); socket.emit(settings.join, settings.room); });
socket.on(settings.joined, () => say("joined", now()));
socket.on(settings.refusal, (why) => say("refused", now(), JSON.stringify(why)));
socket.on("connect_error", (error) => say("refused", now(), String(error.message)));
socket.on("disconnect", (reason) => say("lost", now(), reason));
for (const event of settings.events) {
  socket.on(event, (...args) => {
    // A server that wants an acknowledgement waits for every member of the room.
    const ack = typeof args.at(-1) === "function" ? args.pop() : undefined;
    say("event", now(), event, JSON.stringify(args[0]));
    ack?.();
  });
}
</script>`;

const server = createServer(async (request, response) => {
  if (request.url === "/client.js") {
    response.writeHead(200, { "Content-Type": "text/javascript" });
    return createReadStream(library).pipe(response);
  }
  if (request.url !== "/said") return response.writeHead(200, { "Content-Type": "text/html" }).end(page);
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  for (const what of JSON.parse(Buffer.concat(chunks))) say(...what);
  response.end();
});

server.listen(0, "127.0.0.1", () => {
  const profile = mkdtempSync(join(tmpdir(), "canary-"));
  const flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0"];
  const address = `http://127.0.0.1:${server.address().port}/`;
  const browser = spawn(settings.browser, [...flags, `--user-data-dir=${profile}`, address], { stdio: "ignore" });
  const end = (why) => {
    say("refused", now(), why);
    rmSync(profile, { recursive: true, force: true });
    process.exit(1);
  };
  browser.on("error", (error) => end(`${settings.browser} cannot be started: ${error.message}`));
  browser.on("exit", (code) => end(`${settings.browser} ended with ${code}`));
  process.on("SIGTERM", () => {
    browser.removeAllListeners("exit");
    browser.on("exit", () => {
      rmSync(profile, { recursive: true, force: true });
      process.exit(0);
    });
    browser.kill();
  });
});
