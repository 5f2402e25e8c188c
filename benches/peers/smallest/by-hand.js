import { start } from '../sides/by-hand.js';

start({ url: '', batch: 200 }).log('started');
