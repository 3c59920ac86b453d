// Builds, writes and reads back JSON for 3 s, and keeps some of it.
const kept = [];
const round = () => JSON.parse(JSON.stringify(Array.from({ length: 20000 }, (_, i) => ({ id: i, name: "n".repeat(i % 50) }))));
for (let i = 0; i < 5; i++) kept.push(round());
console.log("ready");
setTimeout(() => {
  const end = Date.now() + 3000;
  for (let i = 0; Date.now() < end; i++) kept[i % 10] = round();
  setTimeout(() => process.exit(kept.length ? 0 : 1), 2000);
}, 300);
