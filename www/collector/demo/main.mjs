#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openDatabase } from '../database.mjs';
import { createDemo } from './server.mjs';

const HELP = `Usage: node www/collector/demo/main.mjs [options]

The endpoint of the demo: takes event batches on 127.0.0.1, shows what arrived, and fails on purpose.

  --port N     port to listen on, 0 for any free one (default 8787)
  --db FILE    database, made if it is not there (default .demo/telemetry.db)
  --page DIR   folder to serve as the page (default www/dist, if it was built)
  --otlp URL   an OpenTelemetry collector that gets what comes to /v1/logs, and exports it to
               /exported/v1/logs
  --help       print this and leave

Routes:
  POST /api/event_logging/batch   a batch in the json format, gzip or not
  POST /v1/logs                   OTLP logs
  GET  /api/state                 counters: arrived, duplicates, missing batches, drop reports
  GET  /api/events?limit=50       the last events
  GET  /api/batches?limit=50      the last batches
  POST /api/query                 {"sql":"SELECT …"}, read only
  GET, PUT /api/faults            {"mode":"ok"|"down"|"slow"|"throttle"|"error500",
                                   "delayMillis":3000,"retryAfterSeconds":3}
  GET, PUT /api/config            remote configuration for the page
  GET  /api/features              GrowthBook features with one experiment
`;

const BUILT_PAGE = fileURLToPath(new URL('../../dist', import.meta.url));

try {
  await main();
} catch (error) {
  console.error(`collector: ${error.message}`);
  process.exit(1);
}

async function main() {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '8787' },
      db: { type: 'string', default: '.demo/telemetry.db' },
      page: { type: 'string' },
      otlp: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) return process.stdout.write(HELP);

  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error(`--port must be a whole number from 0 to 65535, not "${values.port}"`);
  }
  if (values.page !== undefined && !existsSync(values.page)) {
    throw new Error(`--page ${values.page}: there is no such folder`);
  }
  const page = values.page ?? (existsSync(BUILT_PAGE) ? BUILT_PAGE : undefined);

  const database = openDatabase(values.db);
  const collector = createDemo({ database, page, otlp: values.otlp });
  const address = await collector.listen(port).catch((error) => {
    throw error.code === 'EADDRINUSE'
      ? new Error(`port ${port} is taken: give another with --port, or 0 for any free one`)
      : error;
  });
  console.log(`collector listening on ${address}`);
  console.log(`database ${database.file}`);

  const stop = async () => {
    await collector.close();
    database.close();
    process.exit(0);
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}
