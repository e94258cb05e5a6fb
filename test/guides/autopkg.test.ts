import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { configSchema, loadConfig } from "../../src/config.ts";

const page = readFileSync(new URL("../../docs/autopkg.md", import.meta.url), "utf8");

/** All that irv-autopkg's README and code read from the environment. */
const VARIABLES = [
  ...["LOG_LEVEL", "INTEGRATION_TEST_ENDPOINT", "REDIS_HOST", "CELERY_BROKER", "CELERY_BACKEND", "CELERY_CONCURRENCY"],
  ...["TASK_LOCK_TIMEOUT", "TASK_EXPIRY_SECS", "POSTGRES_USER", "POSTGRES_HOST", "POSTGRES_PASSWORD", "POSTGRES_PORT"],
  ...["POSTGRES_DB", "DEPLOYMENT_ENV", "S3_REGION", "STORAGE_BACKEND", "LOCALFS_STORAGE_BACKEND_ROOT_TEST"],
  ...["LOCALFS_PROCESSING_BACKEND_ROOT_TEST", "S3_TEST_ACCESS_KEY", "S3_TEST_SECRET_KEY", "S3_TEST_BUCKET"],
  ...["LOCALFS_STORAGE_BACKEND_ROOT", "LOCALFS_PROCESSING_BACKEND_ROOT", "S3_ACCESS_KEY", "S3_SECRET_KEY", "S3_BUCKET"],
  ...["INCLUDE_TEST_PROCESSORS", "TEST_GRI_OSM", "PACKAGES_HOST_URL", "OSM_PGHOST", "OSM_PORT", "OSM_PGDATABASE"],
  ...["OSM_PGUSER", "OSM_PGPASSWORD"],
];

test("every variable of irv-autopkg has its row", () => {
  for (const variable of VARIABLES) assert.ok(page.includes(`\`AUTOPKG_${variable}\``), variable);
});

test("the configuration of the page is one, and every setting that a row names is in it or is a section", () => {
  const yaml = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
  const config = loadConfig(yaml);
  assert.equal(config.packages.publicUrl, "https://irv-autopkg.s3.eu-west-2.amazonaws.com/packages");
  assert.equal(loadConfig("", { GYRE_PACKAGES__STORAGE: "elsewhere" }).packages.storage, "elsewhere");
  const sections = Object.keys(configSchema.shape).join("|");
  const named = page.matchAll(new RegExp(`\`((?:${sections})\\.[A-Za-z0-9.]+)(?:: [^\`]*)?\``, "g"));
  const settings = new Set([...named].map(([, path = ""]) => path.replace("s3.BUCKET", "s3.irv-autopkg")));
  assert.ok(settings.size > 10);
  const known = loadConfig(`${yaml.replace("region:", "endpoint: http://127.0.0.1:9000\n    region:")}`);
  for (const path of settings) {
    const value = path
      .split(".")
      .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], known);
    assert.notEqual(value, undefined, path);
  }
});
