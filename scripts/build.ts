import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, globSync, rmSync } from "node:fs";

// `npm run build`: dist/ is what is published. TypeScript becomes JavaScript; tables, pages and migrations are copied beside it.
rmSync("dist", { recursive: true, force: true });
const { status } = spawnSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"], {
  stdio: "inherit",
});
if (status !== 0) process.exit(status ?? 1);
for (const file of globSync("src/**/*.{json,css,html,svg,bin,ttf}")) cpSync(file, `dist/${file}`);
cpSync("sql", "dist/sql", { recursive: true });
chmodSync("dist/bin/gyre.js", 0o755);
