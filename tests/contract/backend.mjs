// The documented backend on the official Socket.IO server, in memory: what the whole load test must get on with.
// Argument: JSON {parser: "default" | "msgpack", server: options of Socket.IO's server}; of one instance of several
// also {redis: URL, instance: its name, secret}: rooms are shared by Redis, rows by messages between the instances.
// opaqueForMs: tokens are opaque, and good for so long. fault: {afterTasks, ...}: what it does wrong once, when so
// many tasks were made: disconnects (every socket, by socket.disconnect(true)), refuses (cuts every connection, and
// refuses those that follow, with this message), downForMs (cuts every connection, and does not listen for so long).
// How it broadcasts: attaches (a Buffer), asks (for an acknowledgement by each member), breaks (each seventh `agentLog`,
// in text: no client can parse it), misses ({agent, event, nth}: the nth such event of all to rooms with a client whose
// User-Agent has this text does not go to that client).
import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";
import * as msgpack from "socket.io-msgpack-parser";

const { parser = "default", server = {}, redis, instance, secret, opaqueForMs = 0, fault, ...how } = JSON.parse(process.argv[2] ?? "{}");
const SECRET = secret ?? randomUUID();
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const users = new Map(), projects = new Map(), agents = new Map(), tasks = new Map();
const tables = { users, projects, agents, tasks };

// Tokens

const base64 = (data) => Buffer.from(data).toString("base64url");
const signature = (signed) => createHmac("sha256", SECRET).update(signed).digest();

const opaque = new Map();

function sign(user) {
  if (opaqueForMs) {
    const token = randomUUID();
    opaque.set(token, { id: user.id, exp: (Date.now() + opaqueForMs) / 1000 });
    return { token };
  }
  const now = Math.floor(Date.now() / 1000);
  const claims = { id: user.id, email: user.email, iat: now, exp: now + 86400 };
  const signed = `${base64('{"alg":"HS256","typ":"JWT"}')}.${base64(JSON.stringify(claims))}`;
  return { token: `${signed}.${base64(signature(signed))}` };
}

function verify(token) {
  if (opaqueForMs) {
    const claims = opaque.get(token);
    if (!claims) throw new Error("unknown token");
    if (claims.exp * 1000 < Date.now()) throw new Error("token expired");
    return claims;
  }
  const [head, body, given = "", ...more] = String(token).split(".");
  const right = signature(`${head}.${body}`);
  const sent = Buffer.from(given, "base64url");
  if (more.length || sent.length !== right.length || !timingSafeEqual(sent, right)) throw new Error("invalid signature");
  const claims = JSON.parse(Buffer.from(body, "base64url"));
  if (claims.exp * 1000 < Date.now()) throw new Error("jwt expired");
  return claims;
}

// REST

class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

function userOf(request) {
  try {
    return users.get(verify((request.headers.authorization ?? "").replace("Bearer ", "")).id) ?? fail(401, "Unauthorized");
  } catch {
    throw new Refusal(401, "Unauthorized");
  }
}

function fail(status, message) {
  throw new Refusal(status, message);
}

function own(map, id, user) {
  if (!UUID.test(id)) fail(400, "Validation failed (uuid is expected)");
  const row = map.get(id);
  return row && row.userId === user.id ? row : fail(404, "Not found");
}

async function add(table, row) {
  const made = { id: randomUUID(), ...row };
  tables[table].set(made.id, made);
  if (redis) await io.serverSideEmitWithAck("row", table, made);
  return made;
}

const routes = [
  ["GET", /^\/v1\/health\/(live|ready)$/, () => ({ status: "ok" })],
  ["GET", /^\/v1\/health\/info$/, () => ({ memory: process.memoryUsage(), uptime: process.uptime(), profile: "node" })],
  ["POST", /^\/v1\/auth\/signup$/, async (_, body) => sign(await add("users", body))],
  ["POST", /^\/v1\/auth\/login$/, (_, body) => {
    const user = [...users.values()].find((one) => one.email === body.email && one.password === body.password);
    return user ? sign(user) : fail(401, "Invalid credentials");
  }],
  ["POST", /^\/v1\/(projects|agents)$/, (request, body, kind) =>
    add(kind, { ...body, userId: userOf(request).id })],
  ["GET", /^\/v1\/(projects|agents)$/, (request, _, kind) => {
    const user = userOf(request);
    return [...(kind === "projects" ? projects : agents).values()].filter((row) => row.userId === user.id);
  }],
  ["GET", /^\/v1\/projects\/([^/]+)$/, (request, _, id) => own(projects, id, userOf(request))],
  ["DELETE", /^\/v1\/(projects|agents)\/([^/]+)$/, (request, _, kind, id) => {
    const map = kind === "projects" ? projects : agents;
    map.delete(own(map, id, userOf(request)).id);
    return { deleted: true, id };
  }],
  ["POST", /^\/v1\/projects\/([^/]+)\/tasks$/, async (request, body, id) => {
    const project = own(projects, id, userOf(request));
    if ([...(body.title ?? "")].length > 255) fail(400, "title must be shorter than or equal to 255 characters");
    const task = await add("tasks", { ...body, status: "PENDING", projectId: project.id, userId: project.userId });
    run(task);
    if (fault && tasks.size === fault.afterTasks) fail_as_told();
    return task;
  }],
  ["GET", /^\/v1\/projects\/[^/]+\/tasks\/([^/]+)$/, (request, _, id) => own(tasks, id, userOf(request))],
  ["PATCH", /^\/v1\/projects\/[^/]+\/tasks\/([^/]+)$/, (request, body, id) => {
    const task = Object.assign(own(tasks, id, userOf(request)), body);
    update(task, task.status);
    return task;
  }],
  ["POST", /^\/v1\/orchestrator\/tasks\/([^/]+)\/run$/, (request, _, id) => {
    const task = own(tasks, id, userOf(request));
    run(task);
    return task;
  }],
];

function answer(response, status, body) {
  const named = instance ? { "X-Instance": instance } : {};
  response.writeHead(status, { "Content-Type": "application/json", ...named }).end(JSON.stringify(body));
}

const http = createServer(async (request, response) => {
  const path = request.url.split("?")[0];
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  try {
    const body = chunks.length ? JSON.parse(Buffer.concat(chunks)) : {};
    for (const [method, pattern, handle] of routes) {
      const found = request.method === method && path.match(pattern);
      if (found) return answer(response, method === "POST" && !path.endsWith("login") ? 201 : 200, await handle(request, body, ...found.slice(1)));
    }
    fail(404, `Cannot ${request.method} ${path}`);
  } catch (error) {
    const status = error.status ?? 500;
    answer(response, status, { statusCode: status, path, message: error.message });
  }
});

// Broadcasts

const who = (task) => task.agentId
  ? { agentId: task.agentId, agentName: `Agent-${task.agentId.slice(0, 8)}` }
  : { agentId: "system", agentName: "System" };
let logs = 0;

function broadcast(room, event, data) {
  if (how.breaks && event === "agentLog" && ++logs % 7 === 0) {
    for (const id of io.sockets.adapter.rooms.get(room) ?? [])
      io.sockets.sockets.get(id).client.conn.write(`2["${event}",${JSON.stringify(data)},]`);
    return;
  }
  const args = how.attaches ? [data, Buffer.from("attached")] : [data];
  const others = io.to(room).except(missing(room, event));
  if (!how.asks) return others.emit(event, ...args);
  others.timeout(5000).emit(event, ...args, (error) => {
    if (error) process.stderr.write(`no acknowledgement of ${event}\n`);
  });
}

let missable = 0;

/** Ids of the sockets that this broadcast does not go to. */
function missing(room, event) {
  if (event !== how.misses?.event) return [];
  const ids = [...(io.sockets.adapter.rooms.get(room) ?? [])];
  const agent = (id) => io.sockets.sockets.get(id).handshake.headers["user-agent"] ?? "";
  const found = ids.filter((id) => agent(id).includes(how.misses.agent));
  return found.length && ++missable === how.misses.nth ? found : [];
}

const log = (task, message) =>
  broadcast(task.projectId, "agentLog", { message, ...who(task), timestamp: new Date().toISOString() });
const update = (task, newStatus) =>
  broadcast(task.projectId, "taskStatusUpdate", { taskId: task.id, newStatus, ...who(task) });

function step(task, status) {
  task.status = status;
  update(task, status);
  log(task, `[Статус]: Статус задачи изменен на ${status}`);
}

function run(task) {
  setTimeout(() => {
    log(task, `[Оркестратор]: Принял задачу "${task.title}" в работу.`);
    if (!task.agentId) return step(task, "FAILED");
    step(task, "IN_PROGRESS");
    log(task, '[Docker]: Создаю среду на базе образа "ubuntu:latest"...');
    setTimeout(() => {
      log(task, "[Оркестратор]: КРИТИЧЕСКАЯ ОШИБКА: Ошибка Docker при создании контейнера: Не удалось загрузить Docker-образ: ubuntu:latest.");
      step(task, "FAILED");
    }, 10);
  }, 1);
}

// Socket.IO

const io = new Server(http, { ...(parser === "msgpack" ? { parser: msgpack } : {}), ...server });

if (redis) {
  const [publisher, subscriber] = [createClient({ url: redis }), createClient({ url: redis })];
  await Promise.all([publisher.connect(), subscriber.connect()]);
  io.adapter(createAdapter(publisher, subscriber));
  io.on("row", (table, row, done) => {
    tables[table].set(row.id, row);
    done();
  });
}
if (instance) {
  const name = (headers) => { headers["x-instance"] = instance; };
  io.engine.on("headers", name);
}

// The fault

let refusal;

function fail_as_told() {
  if (fault.disconnects) return io.disconnectSockets(true);
  refusal = fault.refuses;
  const cut = () => {
    for (const socket of io.sockets.sockets.values()) socket.conn.transport.socket?._socket?.destroy();
  };
  if (!fault.downForMs) return cut();
  const port = http.address().port;
  // As when its process ends: whoever is being answered is not.
  http.close();
  http.closeAllConnections();
  cut();
  setTimeout(() => http.listen(port, "127.0.0.1"), fault.downForMs);
}

io.use((socket, next) => {
  if (refusal) return next(new Error(refusal));
  // Clients of Socket.IO 2 have no place of its own for it.
  const token = socket.handshake.auth.token ?? socket.handshake.query.token;
  if (token === undefined || token === null) return next();
  try {
    socket.data.userId = verify(token).id;
    next();
  } catch (error) {
    next(new Error(`Unauthorized: ${error.message}`));
  }
});

io.on("connection", (socket) => {
  const refuse = (message) => socket.emit("exception", { status: "error", message });
  socket.on("joinProjectRoom", (id, ...rest) => {
    const ack = rest.at(-1);
    if (!socket.data.userId) return refuse("Unauthorized: guests may join no project room");
    if (typeof id !== "string" || !UUID.test(id)) return refuse("Invalid project id");
    if (projects.get(id)?.userId !== socket.data.userId) return refuse("Forbidden");
    socket.join(id);
    socket.emit("joinedRoom", `You have successfully joined project room ${id}`);
    if (typeof ack === "function") ack(`joined ${id}`);
  });
  socket.on("leaveProjectRoom", (id) => {
    socket.leave(id);
    if (typeof id === "string") socket.emit("leftRoom", `You have successfully left project room ${id}`);
  });
  socket.on("ping", (payload) => socket.emit("pong", payload ?? null));
});

http.once("listening", () => console.log(http.address().port));
http.listen(0, "127.0.0.1");
