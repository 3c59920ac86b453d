// Three workers of a cluster, each with JSON work for 3 s.
const cluster = require("node:cluster");
const round = (size) => JSON.parse(JSON.stringify(Array.from({ length: size }, (_, i) => ({ id: i, name: "n".repeat(i % 50) }))));
if (cluster.isPrimary) {
  let online = 0, left = 3;
  cluster.on("online", () => ++online === 3 && setTimeout(() => console.log("ready"), 300));
  cluster.on("exit", () => --left || setTimeout(() => {}, 2000));
  for (let i = 0; i < 3; i++) cluster.fork();
} else {
  const end = Date.now() + 4000, kept = [];
  const work = () => {
    kept[kept.length % 8] = round(8000);
    if (Date.now() < end) setTimeout(work, 5);
    else process.exit(0);
  };
  setTimeout(work, 1000);
}
