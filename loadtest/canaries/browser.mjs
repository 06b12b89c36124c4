// The official client on a page in a headless browser, as a member of a room. Its settings are in $CANARY.
import { spawn } from "node:child_process";
import { createReadStream, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BROWSERS } from "./browsers.mjs";
import { say } from "./say.mjs";

const settings = JSON.parse(process.env.CANARY);
const require = createRequire(import.meta.url);
const { version } = require("socket.io-client/package.json");
const bundle = settings.parser === "msgpack" ? "socket.io.msgpack.min.js" : "socket.io.min.js";
const SCRIPTS = {
  "/client.js": join(require.resolve("socket.io-client/package.json"), "..", "dist", bundle),
  "/member.mjs": fileURLToPath(new URL("member.mjs", import.meta.url)),
};

const page = `<!doctype html><title>canary</title><script src="/client.js"></script><script type="module">
import { join, now } from "/member.mjs";
const settings = ${JSON.stringify(settings)};
let lines = [];
let posting = false;
const say = (...what) => {
  lines.push(what);
  if (!posting) post();
};
// One request after the other: two at once could arrive in the other order.
async function post() {
  posting = true;
  while (lines.length) {
    await new Promise((done) => setTimeout(done, 20));
    const body = JSON.stringify(lines);
    lines = [];
    await fetch("/said", { method: "POST", body });
  }
  posting = false;
}
// A page is not told why it got no answer.
const explain = (error) => error.description === 0
  ? error.message + ": the backend does not answer, or does not allow the origin " + location.origin + " (CORS)"
  : String(error.message);
const browser = navigator.userAgent.match(/((Headless)?Chrome|Firefox)\\S+/)[0];
say("client", now(), "socket.io-client ${version} on a page in " + browser);
const options = { transports: settings.transports, reconnectionDelay: 500, ...settings.options };
join(io(settings.url, options), settings, say, explain);
</script>`;

const server = createServer(async (request, response) => {
  const script = SCRIPTS[request.url];
  if (script) {
    response.writeHead(200, { "Content-Type": "text/javascript" });
    return createReadStream(script).pipe(response);
  }
  if (request.url === "/favicon.ico") return response.writeHead(404).end();
  if (request.url !== "/said") return response.writeHead(200, { "Content-Type": "text/html" }).end(page);
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  for (const what of JSON.parse(Buffer.concat(chunks))) say(...what);
  response.end();
});

server.listen(0, "127.0.0.1", () => {
  const profile = mkdtempSync(join(tmpdir(), "canary-"));
  const { flags, environment } = BROWSERS[settings.client](profile, `http://127.0.0.1:${server.address().port}/`);
  const stdio = ["ignore", "ignore", "pipe"];
  const browser = spawn(settings.browser, flags, { stdio, env: { ...process.env, ...environment } });
  let complaint = "";
  browser.stderr.on("data", (data) => { complaint = `${complaint}${data}`.slice(-1000); });
  const end = (code) => {
    rmSync(profile, { recursive: true, force: true, maxRetries: 3 });
    process.exit(code);
  };
  const fail = (why) => {
    process.stderr.write(`${why}\n`);
    end(1);
  };
  browser.on("error", (error) => fail(`${settings.browser} cannot be started: ${error.message}`));
  browser.on("exit", (code, signal) => {
    fail(`${settings.browser} ended with ${code ?? signal}: ${complaint.trim().split("\n").at(-1)}`);
  });
  process.on("SIGTERM", () => {
    browser.removeAllListeners("exit");
    browser.on("exit", () => end(0));
    browser.kill();
    // Before we are killed ourselves, see canaries/canary.py: the profile has to be removed.
    setTimeout(() => browser.kill("SIGKILL"), 3000);
  });
});
