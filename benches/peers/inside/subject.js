// What the process or the page that is measured can be asked to do.
import * as calls from './call.js';
import * as growing from './growth.js';
import * as memory from './memory.js';
import * as watching from './tasks.js';
import { wire } from './wire.js';

const tasks = { ...calls, ...memory, ...watching, ...growing, wire };

/** @param {{ start: Function, verified?: Function }} module a side */
export function subject(module) {
  let side;
  return {
    async start(options) {
      side = { verified: module.verified, ...(await module.start(options)) };
    },
    run: (task, options) => tasks[task](side, options),
  };
}
