import { versionOf } from '../../support/environments.mjs';
import { vite } from '../../support/vite.mjs';

export const environments = vite(versionOf(import.meta.url, 'vite'));
