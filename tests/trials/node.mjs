export const trials = [];
