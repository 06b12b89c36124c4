// An official client on node, as a member of a room. Its settings are in $CANARY, see loadtest/canaries/canary.py.
import { createRequire } from "node:module";
import { join, now } from "./member.mjs";
import { say } from "./say.mjs";

const settings = JSON.parse(process.env.CANARY);
const name = settings.version === "4" ? "socket.io-client" : `socket.io-client-${settings.version}`;
const { version } = createRequire(import.meta.url)(`${name}/package.json`);
const module = await import(name);
const io = module.io ?? module.default;
// Parsers of the third version answer their encoder's caller; Socket.IO 2 wants to be called back.
const msgpack = settings.version === "2" ? "socket.io-msgpack-parser-2" : "socket.io-msgpack-parser";
const parser = settings.parser === "msgpack" ? { parser: await import(msgpack) } : {};
const options = { transports: settings.transports, reconnectionDelay: 500, ...settings.options, ...parser };

say("client", now(), `socket.io-client ${version} on node ${process.versions.node}`);
join(io(settings.url, options), settings, say);
