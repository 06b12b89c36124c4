// What a canary says on its standard output: a line of JSON for each thing that happened, with its time.
export const say = (...what) => process.stdout.write(`${JSON.stringify(what)}\n`);

// Whoever started us is gone, or wants us to go.
process.stdin.on("end", () => process.kill(process.pid, "SIGTERM")).resume();
